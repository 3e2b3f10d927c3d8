package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgufFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * The specification's mathematics, straight from the bytes of a file: no kernel, no batch, no blocking, one token at a
 * time. It shares nothing with the engine but the readers of files. Activations are floats, as they were in training; every
 * sum, rotation and softmax is taken in double precision and rounded once.
 *
 * <p>Exact and rounded arithmetic differ legitimately in one place only: {@link #product} rounds h * s to an integer, and
 * where h * s lies within float error of a half another evaluation may take the other neighbour. Such a q is off by one,
 * which moves every output of its product by weight_scale / s; a few layers later other values have crossed their halves,
 * and the logits differ by about one part in a hundred. This is no rare case. Where a norm's weights are alike, h * s of
 * an embedding is a ratio of f16 values and often a half exactly, so the order of the float operations matters: here
 * x / rms * weight, 127 / absmax, h * s, and sum * (scale / s), which is the order that the golden numbers were made with.
 * With any other one most of them are missed by more than 1e-3, and likewise with keys and values rounded to f16.
 */
public final class ReferenceModel {
    private final boolean halfCache;
    private final Shape shape;
    private final float[][] embedding;
    private final float[][] head;
    private final float[] outputNorm;
    private final List<Layer> layers = new ArrayList<>();
    /** Of all layers and tokens so far, and how many were not positive. */
    long gates;
    long closedGates;

    /**
     * What the sizes of the tensors do not say.
     *
     * @param ropeScale   divides all angles
     * @param ropeFactors divide the frequencies; null for none
     * @param interleaved whether RoPE turns neighbours, and not elements half a head apart
     * @param head        how a state becomes logits
     * @param window      of layers that have one; null for none
     */
    public record Shape(int layers, int heads, int kvHeads, int headDim, int ropeDim, double theta, double ropeScale,
                        float[] ropeFactors, double epsilon, boolean interleaved, Gate gate, Norms norms, Head head,
                        Window window) {
        boolean isWindowed(int layer) {
            return window != null && window.layers.contains(layer);
        }
    }

    /** How many positions tokens see in some layers, and the base of RoPE there, where nothing scales it. */
    public record Window(int positions, Set<Integer> layers, double theta) {}

    /** What gates go through. */
    public enum Gate { RELU2, SILU, GELU }

    /** Beside those of the residual stream. */
    public enum Norms {
        NONE,
        /** Before the output and down projections. */
        SUB,
        /** Before every projection, of its own, and of the heads of queries and keys. */
        INPUTS,
        /** And of what blocks add to the residual stream; embeddings are multiplied by the root of its width. */
        GEMMA
    }

    /** Without a head, the outputs are states. */
    public enum Head { TIED, OWN, NONE }

    /** Weights of -1, 0 and 1, [M][K], and their scale. */
    public record Ternary(byte[][] rows, float scale) {}

    /** Where the numbers come from; tensors by their names in a GGUF file. */
    public interface Source {
        Shape shape();

        float[][] table(String name);

        Ternary ternary(String name);
    }

    /** A matrix with the norm that its input may have. */
    private record Linear(float[] norm, Ternary weight) {}

    private record Layer(float[] attentionNorm, Linear query, float[] queryHeadNorm, Linear key, float[] keyHeadNorm,
                         Linear value, Linear output, float[] afterAttention, float[] feedForwardNorm, Linear gate, Linear up,
                         Linear down, float[] afterFeedForward) {}

    /** Of a file, with keys and values as floats. */
    public static ReferenceModel of(GgufFile file) {
        return new ReferenceModel(file, false);
    }

    ReferenceModel(GgufFile file, boolean halfCache) {
        this(new GgufSource(file), halfCache);
    }

    public ReferenceModel(Source source, boolean halfCache) {
        this.halfCache = halfCache;
        shape = source.shape();
        embedding = source.table("token_embd.weight");
        head = switch (shape.head) {
            case TIED -> embedding;
            case OWN -> source.table("output.weight");
            case NONE -> null;
        };
        outputNorm = source.table("output_norm.weight")[0];
        boolean sub = shape.norms == Norms.SUB;
        boolean inputs = shape.norms == Norms.INPUTS || shape.norms == Norms.GEMMA;
        for (int i = 0; i < shape.layers; i++) {
            UnaryOperator<String> name = ("blk." + i + ".%s.weight")::formatted;
            BiFunction<String, Boolean, float[]> norm = (tensor, there) -> there ? source.table(name.apply(tensor))[0] : null;
            BiFunction<String, String, Linear> linear = (tensor, subNorm) -> new Linear(inputs
                    ? norm.apply(tensor + "_norm_in", true) : norm.apply(subNorm, sub && subNorm != null),
                    source.ternary(name.apply(tensor)));
            layers.add(new Layer(norm.apply("attn_norm", true), linear.apply("attn_q", null), norm.apply("attn_q_norm", inputs),
                    linear.apply("attn_k", null), norm.apply("attn_k_norm", inputs), linear.apply("attn_v", null),
                    linear.apply("attn_output", "attn_sub_norm"),
                    norm.apply("post_attention_norm", shape.norms == Norms.GEMMA), norm.apply("ffn_norm", true),
                    linear.apply("ffn_gate", null), linear.apply("ffn_up", null), linear.apply("ffn_down", "ffn_sub_norm"),
                    norm.apply("post_ffw_norm", shape.norms == Norms.GEMMA)));
        }
    }

    /** A sequence: the keys and values so far, by layer and position. */
    public final class Sequence {
        private final List<List<float[]>> keys = new ArrayList<>();
        private final List<List<float[]>> values = new ArrayList<>();
        private int position;

        public Sequence() {
            for (int i = 0; i < layers.size(); i++) {
                keys.add(new ArrayList<>());
                values.add(new ArrayList<>());
            }
        }

        /** Appends a token; the logits of the one that follows, or the token's state. */
        public double[] next(int token) {
            float[] x = embedding[token].clone();
            for (int i = 0; shape.norms == Norms.GEMMA && i < x.length; i++) {
                x[i] *= (float) Math.sqrt(x.length);
            }
            for (int i = 0; i < layers.size(); i++) {
                Layer layer = layers.get(i);
                float[] h = rms(x, layer.attentionNorm);
                float[] q = rope(i, heads(linear(layer.query, h), layer.queryHeadNorm));
                keys.get(i).add(cached(rope(i, heads(linear(layer.key, h), layer.keyHeadNorm))));
                values.get(i).add(cached(linear(layer.value, h)));
                int from = shape.isWindowed(i) ? Math.max(0, position + 1 - shape.window.positions) : 0;
                float[] attention = attention(q, keys.get(i).subList(from, position + 1), values.get(i).subList(from, position + 1));
                add(x, rms(linear(layer.output, attention), layer.afterAttention));

                h = rms(x, layer.feedForwardNorm);
                float[] gate = linear(layer.gate, h);
                for (float g : gate) {
                    closedGates += g <= 0 ? 1 : 0;
                }
                gates += gate.length;
                float[] gated = gated(gate, linear(layer.up, h));
                add(x, rms(linear(layer.down, gated), layer.afterFeedForward));
            }
            position++;
            float[] last = rms(x, outputNorm);
            double[] outputs = new double[head == null ? last.length : head.length];
            for (int i = 0; i < outputs.length; i++) {
                outputs[i] = head == null ? last[i] : dot(head[i], last);
            }
            return outputs;
        }

        /** Rotates each head of q or k by the angles of the current position. */
        private float[] rope(int layer, float[] x) {
            boolean windowed = shape.isWindowed(layer);
            double theta = windowed ? shape.window.theta : shape.theta;
            for (int base = 0; base < x.length; base += shape.headDim) {
                for (int i = 0; i < shape.ropeDim / 2; i++) {
                    double angle = position * Math.pow(theta, -2.0 * i / shape.ropeDim);
                    angle /= windowed ? 1 : shape.ropeScale * (shape.ropeFactors == null ? 1 : shape.ropeFactors[i]);
                    int first = base + (shape.interleaved ? 2 * i : i);
                    int second = base + (shape.interleaved ? 2 * i + 1 : i + shape.ropeDim / 2);
                    float a = x[first];
                    float b = x[second];
                    x[first] = (float) (a * Math.cos(angle) - b * Math.sin(angle));
                    x[second] = (float) (a * Math.sin(angle) + b * Math.cos(angle));
                }
            }
            return x;
        }
    }

    /** x / sqrt(mean(x^2) + eps) * weight; x itself where the architecture has no such norm. */
    private float[] rms(float[] x, float[] weight) {
        if (weight == null) {
            return x;
        }
        float rms = (float) Math.sqrt(dot(x, x) / x.length + shape.epsilon);
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i] / rms * weight[i];
        }
        return y;
    }

    /** Norms each head. */
    private float[] heads(float[] x, float[] weight) {
        for (int from = 0; weight != null && from < x.length; from += shape.headDim) {
            System.arraycopy(rms(Arrays.copyOfRange(x, from, from + shape.headDim), weight), 0, x, from, shape.headDim);
        }
        return x;
    }

    private float[] linear(Linear linear, float[] x) {
        return product(linear.weight, rms(x, linear.norm));
    }

    /** BitLinear: s = 127 / absmax(h), q = round(h * s), y = (sum q * w) / s * weight_scale. */
    private static float[] product(Ternary weight, float[] h) {
        float absmax = 1e-5f;
        for (float value : h) {
            absmax = Math.max(absmax, Math.abs(value));
        }
        float s = 127 / absmax;
        int[] q = new int[h.length];
        for (int k = 0; k < q.length; k++) {
            q[k] = (int) Math.clamp(Math.rint(h[k] * s), -128, 127);
        }
        float[] y = new float[weight.rows.length];
        for (int m = 0; m < y.length; m++) {
            byte[] row = weight.rows[m];
            int sum = 0;
            for (int k = 0; k < q.length; k++) {
                sum += q[k] * row[k];
            }
            y[m] = sum * (weight.scale / s);
        }
        return y;
    }

    private float[] attention(float[] q, List<float[]> keys, List<float[]> values) {
        float[] out = new float[q.length];
        double[] weights = new double[keys.size()];
        for (int j = 0; j < shape.heads; j++) {
            int from = j * shape.headDim;
            int kvFrom = j / (shape.heads / shape.kvHeads) * shape.headDim;
            double largest = Double.NEGATIVE_INFINITY;
            for (int p = 0; p < weights.length; p++) {
                double score = 0;
                for (int i = 0; i < shape.headDim; i++) {
                    score += (double) q[from + i] * keys.get(p)[kvFrom + i];
                }
                weights[p] = score / Math.sqrt(shape.headDim);
                largest = Math.max(largest, weights[p]);
            }
            double total = 0;
            for (int p = 0; p < weights.length; p++) {
                weights[p] = Math.exp(weights[p] - largest);
                total += weights[p];
            }
            for (int i = 0; i < shape.headDim; i++) {
                double sum = 0;
                for (int p = 0; p < weights.length; p++) {
                    sum += weights[p] / total * values.get(p)[kvFrom + i];
                }
                out[from + i] = (float) sum;
            }
        }
        return out;
    }

    private float[] gated(float[] gate, float[] up) {
        float[] h = new float[gate.length];
        for (int i = 0; i < h.length; i++) {
            double g = gate[i];
            double open = switch (shape.gate) {
                case RELU2 -> Math.max(g, 0) * Math.max(g, 0);
                case SILU -> g / (1 + Math.exp(-g));
                case GELU -> 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g)));
            };
            h[i] = (float) (open * up[i]);
        }
        return h;
    }

    private float[] cached(float[] x) {
        for (int i = 0; halfCache && i < x.length; i++) {
            x[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
        }
        return x;
    }

    private static void add(float[] x, float[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += y[i];
        }
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
