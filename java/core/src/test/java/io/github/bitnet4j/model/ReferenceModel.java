package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The specification's mathematics, straight from the bytes of a file: no kernel, no batch, no blocking, one token at a
 * time. It shares nothing with the engine but {@link GgufFile}. Activations are floats, as they were in training; every
 * sum, rotation and softmax is taken in double precision and rounded once.
 *
 * <p>Exact and rounded arithmetic differ legitimately in one place only: {@link #linear} rounds h * s to an integer, and
 * where h * s lies within float error of a half another evaluation may take the other neighbour. Such a q is off by one,
 * which moves every output of its product by weight_scale / s; a few layers later other values have crossed their halves,
 * and the logits differ by about one part in a hundred. This is no rare case. Where a norm's weights are alike, h * s of
 * an embedding is a ratio of f16 values and often a half exactly, so the order of the float operations matters: here
 * x / rms * weight, 127 / absmax, h * s, and sum * (scale / s), which is the order that the golden numbers were made with.
 * With any other one most of them are missed by more than 1e-3, and likewise with keys and values rounded to f16.
 */
final class ReferenceModel {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int Q8_0_BLOCK = 32;
    private static final int Q8_0_BYTES = 34;

    private final boolean halfCache;
    private final boolean llama;
    private final boolean squaredRelu;
    private final int heads;
    private final int kvHeads;
    private final int headDim;
    private final int ropeDim;
    private final double theta;
    private final double ropeScale;
    /** Of each frequency; null where the file has none. */
    private final float[] ropeFactors;
    private final double epsilon;
    private final float[][] embedding;
    private final float[][] head;
    private final float[] outputNorm;
    private final List<Layer> layers = new ArrayList<>();
    /** Of all layers and tokens so far, and how many were not positive. */
    long gates;
    long closedGates;

    /** Weights of -1, 0 and 1, [M][K], and their scale. */
    private record Ternary(byte[][] rows, float scale) {}

    private record Layer(float[] attentionNorm, Ternary query, Ternary key, Ternary value, float[] attentionSubNorm,
                         Ternary output, float[] feedForwardNorm, Ternary gate, Ternary up, float[] feedForwardSubNorm,
                         Ternary down) {}

    ReferenceModel(GgufFile file, boolean halfCache) {
        this.halfCache = halfCache;
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.string("general.architecture").orElseThrow();
        llama = architecture.equals("llama");
        squaredRelu = architecture.equals("bitnet-b1.58") || architecture.equals("bitnet-25");
        String prefix = architecture + ".";
        heads = (int) metadata.integer(prefix + "attention.head_count").orElseThrow();
        kvHeads = (int) metadata.integer(prefix + "attention.head_count_kv").orElse(heads);
        headDim = (int) metadata.integer(prefix + "attention.key_length")
                .orElseGet(() -> metadata.integer(prefix + "embedding_length").orElseThrow() / heads);
        ropeDim = (int) metadata.integer(prefix + "rope.dimension_count").orElse(headDim);
        theta = metadata.number(prefix + "rope.freq_base").orElse(10000);
        ropeScale = metadata.string(prefix + "rope.scaling.type").orElse("none").equals("linear")
                ? metadata.number(prefix + "rope.scaling.factor").orElseThrow() : 1;
        ropeFactors = file.tensor("rope_freqs.weight").map(ReferenceModel::vector).orElse(null);
        epsilon = metadata.number(prefix + "attention.layer_norm_rms_epsilon").orElse(1e-5);
        embedding = table(file.requireTensor("token_embd.weight"));
        head = file.tensor("output.weight").map(ReferenceModel::table).orElse(embedding);
        outputNorm = vector(file.requireTensor("output_norm.weight"));
        for (int i = 0; i < metadata.integer(prefix + "block_count").orElseThrow(); i++) {
            String block = "blk." + i + ".";
            layers.add(new Layer(vector(file.requireTensor(block + "attn_norm.weight")),
                    ternary(file.requireTensor(block + "attn_q.weight")),
                    ternary(file.requireTensor(block + "attn_k.weight")),
                    ternary(file.requireTensor(block + "attn_v.weight")),
                    llama ? null : vector(file.requireTensor(block + "attn_sub_norm.weight")),
                    ternary(file.requireTensor(block + "attn_output.weight")),
                    vector(file.requireTensor(block + "ffn_norm.weight")),
                    ternary(file.requireTensor(block + "ffn_gate.weight")),
                    ternary(file.requireTensor(block + "ffn_up.weight")),
                    llama ? null : vector(file.requireTensor(block + "ffn_sub_norm.weight")),
                    ternary(file.requireTensor(block + "ffn_down.weight"))));
        }
    }

    /** A sequence: the keys and values so far, by layer and position. */
    final class Sequence {
        private final List<List<float[]>> keys = new ArrayList<>();
        private final List<List<float[]>> values = new ArrayList<>();
        private int position;

        Sequence() {
            for (int i = 0; i < layers.size(); i++) {
                keys.add(new ArrayList<>());
                values.add(new ArrayList<>());
            }
        }

        /** Appends a token; the logits of the one that follows. */
        double[] next(int token) {
            float[] x = embedding[token].clone();
            for (int i = 0; i < layers.size(); i++) {
                Layer layer = layers.get(i);
                float[] h = rms(x, layer.attentionNorm);
                float[] q = rope(linear(layer.query, h));
                keys.get(i).add(cached(rope(linear(layer.key, h))));
                values.get(i).add(cached(linear(layer.value, h)));
                add(x, linear(layer.output, rms(attention(q, keys.get(i), values.get(i)), layer.attentionSubNorm)));

                h = rms(x, layer.feedForwardNorm);
                float[] gate = linear(layer.gate, h);
                for (float g : gate) {
                    closedGates += g <= 0 ? 1 : 0;
                }
                gates += gate.length;
                float[] gated = gated(gate, linear(layer.up, h));
                add(x, linear(layer.down, rms(gated, layer.feedForwardSubNorm)));
            }
            position++;
            float[] last = rms(x, outputNorm);
            double[] logits = new double[head.length];
            for (int id = 0; id < logits.length; id++) {
                logits[id] = dot(head[id], last);
            }
            return logits;
        }

        /** Rotates each head of q or k by the angles of the current position. */
        private float[] rope(float[] x) {
            for (int base = 0; base < x.length; base += headDim) {
                for (int i = 0; i < ropeDim / 2; i++) {
                    double angle = position / ropeScale * Math.pow(theta, -2.0 * i / ropeDim);
                    angle /= ropeFactors == null ? 1 : ropeFactors[i];
                    int first = base + (llama ? 2 * i : i);
                    int second = base + (llama ? 2 * i + 1 : i + ropeDim / 2);
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
        float rms = (float) Math.sqrt(dot(x, x) / x.length + epsilon);
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i] / rms * weight[i];
        }
        return y;
    }

    /** BitLinear: s = 127 / absmax(h), q = round(h * s), y = (sum q * w) / s * weight_scale. */
    private static float[] linear(Ternary weight, float[] h) {
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
        for (int j = 0; j < heads; j++) {
            int from = j * headDim;
            int kvFrom = j / (heads / kvHeads) * headDim;
            double largest = Double.NEGATIVE_INFINITY;
            for (int p = 0; p < weights.length; p++) {
                double score = 0;
                for (int i = 0; i < headDim; i++) {
                    score += (double) q[from + i] * keys.get(p)[kvFrom + i];
                }
                weights[p] = score / Math.sqrt(headDim);
                largest = Math.max(largest, weights[p]);
            }
            double total = 0;
            for (int p = 0; p < weights.length; p++) {
                weights[p] = Math.exp(weights[p] - largest);
                total += weights[p];
            }
            for (int i = 0; i < headDim; i++) {
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
            h[i] = (float) ((squaredRelu ? Math.max(g, 0) * Math.max(g, 0) : g / (1 + Math.exp(-g))) * up[i]);
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

    /** I2_S: element e of the tensor in byte (e/128)*32 + e%32, shift 6 - 2*((e%128)/32); the scale after M*K/4 bytes. */
    private static Ternary ternary(GgufTensor tensor) {
        if (tensor.type() != GgmlType.I2_S) {
            throw new IllegalArgumentException(tensor + " is not I2_S");
        }
        MemorySegment data = tensor.data();
        byte[][] rows = new byte[(int) tensor.rows()][(int) tensor.cols()];
        long e = 0;
        for (byte[] row : rows) {
            for (int k = 0; k < row.length; k++, e++) {
                int packed = data.get(ValueLayout.JAVA_BYTE, e / 128 * 32 + e % 32);
                row[k] = (byte) ((packed >> 6 - 2 * (e % 128 / 32) & 3) - 1);
            }
        }
        return new Ternary(rows, data.get(F32, e / 4));
    }

    private static float[] vector(GgufTensor tensor) {
        return table(tensor)[0];
    }

    private static float[][] table(GgufTensor tensor) {
        float[][] rows = new float[(int) tensor.rows()][(int) tensor.cols()];
        MemorySegment data = tensor.data();
        long e = 0;
        for (float[] row : rows) {
            for (int k = 0; k < row.length; k++, e++) {
                row[k] = element(tensor.type(), data, e);
            }
        }
        return rows;
    }

    private static float element(GgmlType type, MemorySegment data, long e) {
        return switch (type) {
            case F32 -> data.get(F32, 4 * e);
            case F16 -> Float.float16ToFloat(data.get(F16, 2 * e));
            case Q8_0 -> { // blocks of an f16 scale and 32 int8
                long block = e / Q8_0_BLOCK * Q8_0_BYTES;
                yield Float.float16ToFloat(data.get(F16, block))
                        * data.get(ValueLayout.JAVA_BYTE, block + 2 + e % Q8_0_BLOCK);
            }
            default -> throw new IllegalArgumentException("no table has type " + type);
        };
    }
}
