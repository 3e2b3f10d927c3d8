package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Embedder;
import io.github.bitnet4j.api.Pooling;
import io.github.bitnet4j.api.QuantizedVector;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.CancelledException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bitnet embed}: texts to vectors. */
@Command(name = "embed", sortOptions = true,
        description = {"Turn texts into vectors of length 1, whose dot products say how alike texts are.",
                "%nOf each text a line on standard output: a JSON array of numbers or, with --bits, {\"step\": ..., \"codes\": "
                + "\"base64\"}. Instructions that a model wants before a query, such as \"query: \", are part of the text.%n"},
        footer = {"", "Examples:",
                "  bitnet embed -m bitnet-embedding-0.6b.gguf -p \"query: What is BitNet?\"",
                "  bitnet embed -m bitnet-embedding-270m.gguf -f passages.txt -o passages.npy",
                "  bitnet embed -m bitnet-embedding-270m.gguf -f passages.txt --bits 4 -o codes.npy"})
final class EmbedCommand extends ModelCommand {
    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", order = 1, description = "A text; may be given several times.")
    private List<String> texts = List.of();

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", order = 2,
            description = "A UTF-8 file with a text on each line ('-': standard input, also where no text is given).")
    private String file;

    @Option(names = {"-o", "--output"}, paramLabel = "OUT.npy", order = 5,
            description = "Write the vectors to a file in the format of NumPy: float32 [texts][numbers], or with --bits "
                    + "uint8 [texts][bytes].")
    private Path output;

    @Option(names = "--bits", paramLabel = "N", order = 6,
            description = "Quantise numbers to 8, 4, 2 or 1 bits (docs/embed.md says how they are packed).")
    private Integer bits;

    @Option(names = "--pooling", paramLabel = "KIND", order = 7,
            description = "Make a vector of the states of all tokens (mean) or of the last one (last) (default: what the file "
                    + "names, or last).")
    private String pooling;

    EmbedCommand(Console console) {
        super(console);
    }

    /** What was done; {@code bits} are those of a number. */
    private record Summary(String model, String isa, int threads, String pooling, int dimensions, int bits, int texts,
                           int tokens, double seconds, double tokensPerSecond) {}

    private record Result(Summary summary, List<Object> embeddings) {}

    /** A quantised vector in JSON, its codes in base64. */
    private record Codes(float step, byte[] codes) {}

    private interface Sink {
        void accept(float[] vector) throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        if (output != null) {
            requireFolder(output);
        }
        if (bits != null) {
            checked(() -> QuantizedVector.requireBits(bits));
        }
        Optional<Pooling> chosen = pooling();
        List<String> inputs = inputs();
        try (BitNetModel model = open()) {
            if (model.info().generates()) {
                console.err().println("bitnet: " + model.info().name() + " was trained to go on with texts; its vectors hardly "
                        + "tell which texts are alike");
            }
            Embedder embedder = model.embedder(chosen);
            List<int[]> whole = inputs.stream().map(model::encodeWhole).toList();
            int cut = (int) whole.stream().filter(text -> text.length > embedder.mostTokens()).count();
            if (cut > 0) {
                console.err().printf("bitnet: %d of %d texts have more than the %d tokens that %s takes of a text; what follows those "
                        + "is left out%n", cut, whole.size(), embedder.mostTokens(), model.info().name());
            }
            embed(model, embedder, whole.stream().map(embedder::cut).toList());
            return OK;
        } catch (CancelledException e) {
            return INTERRUPTED;
        }
    }

    private void embed(BitNetModel model, Embedder embedder, List<int[]> ids) throws IOException {
        if (output != null) {
            Summary summary;
            try (NpyWriter npy = bits == null
                    ? new NpyWriter(output, NpyWriter.Type.FLOAT32, ids.size(), embedder.dimensions())
                    : new NpyWriter(output, NpyWriter.Type.UINT8, ids.size(), embedder.dimensions() * bits / Byte.SIZE)) {
                summary = run(model, embedder, ids, vector -> {
                    if (bits == null) {
                        npy.writeRow(vector);
                    } else {
                        npy.writeRow(QuantizedVector.of(vector, bits).codes());
                    }
                });
            }
            if (json) {
                Json.print(console.out(), summary);
            }
        } else if (json) {
            List<Object> embeddings = new ArrayList<>();
            Summary summary = run(model, embedder, ids, vector -> embeddings.add(entry(vector)));
            Json.print(console.out(), new Result(summary, embeddings));
        } else {
            run(model, embedder, ids, vector -> Json.printLine(console.out(), entry(vector)));
        }
    }

    private Object entry(float[] vector) {
        if (bits == null) {
            return vector;
        }
        QuantizedVector quantized = QuantizedVector.of(vector, bits);
        return new Codes(quantized.step(), quantized.codes());
    }

    private Summary run(BitNetModel model, Embedder embedder, List<int[]> ids, Sink sink) {
        Cancellation cancellation = new Cancellation();
        long start = System.nanoTime();
        try (Progress progress = new Progress(console, "embedding");
                Interrupts interrupts = new Interrupts(cancellation::cancel)) {
            boolean shown = output != null || json || !console.outIsTerminal();
            embedder.embed(ids, cancellation, (index, vector) -> {
                write(sink, vector);
                if (shown) {
                    progress.update(index + 1, ids.size());
                }
            });
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        int tokens = ids.stream().mapToInt(text -> text.length).sum();
        Summary summary = new Summary(modelPath().toString(), model.kernels().isa(), model.kernels().threads(),
                embedder.pooling().name().toLowerCase(Locale.ROOT), embedder.dimensions(), bits == null ? Float.SIZE : bits,
                ids.size(), tokens, seconds, tokens / seconds);
        if (!json) {
            console.err().printf(Locale.ROOT, "%d texts, %d tokens, %.1f tokens/s; pooling: %s; %d numbers of %d bits a text%n",
                    summary.texts(), tokens, summary.tokensPerSecond(), summary.pooling(), summary.dimensions(),
                    summary.bits());
        }
        return summary;
    }

    private static void write(Sink sink, float[] vector) {
        try {
            sink.accept(vector);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> inputs() throws IOException {
        if (!texts.isEmpty() && file != null) {
            throw new UsageException("-p and -f exclude each other; give one of them");
        }
        if (!texts.isEmpty()) {
            return texts;
        }
        if (file == null && console.inIsTerminal()) {
            throw new UsageException("there is no text; give -p TEXT or -f FILE, or pipe lines to standard input");
        }
        List<String> lines = PromptInput.text(file == null ? PromptInput.STDIN : file, console).lines().toList();
        if (lines.isEmpty()) {
            throw new BitNetException("there are no texts; " + (file == null ? "standard input" : file) + " is empty");
        }
        return lines;
    }

    private Optional<Pooling> pooling() {
        return switch (pooling) {
            case null -> Optional.empty();
            case "mean" -> Optional.of(Pooling.MEAN);
            case "last" -> Optional.of(Pooling.LAST);
            default -> throw new UsageException("--pooling is '" + pooling + "'; it must be mean or last");
        };
    }
}
