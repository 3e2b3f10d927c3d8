package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.NativeLibraryException;
import io.github.bitnet4j.chat.ChatMessage;
import io.github.bitnet4j.chat.ChatTemplate;
import io.github.bitnet4j.chat.ChatTemplateException;
import io.github.bitnet4j.chat.ChatTemplates;
import io.github.bitnet4j.chat.PromptPart;
import io.github.bitnet4j.gguf.GgufException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.hub.Hub;
import io.github.bitnet4j.hub.PullListener;
import io.github.bitnet4j.model.BitNetTransformer;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.ModelConfig;
import io.github.bitnet4j.model.TwoPassHead;
import io.github.bitnet4j.model.WeightMemory;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model, opened from a GGUF file that stays mapped; its weights are copied only when {@link LoadMode} says so. Safe for
 * use by many threads; their forward passes take turns. Closing it frees the map and the threads: close its sessions first.
 *
 * <pre>{@code
 * try (BitNetModel model = BitNetModel.open(Path.of("model.gguf"));
 *      Session session = model.newSession();
 *      Generation generation = session.generate("ROMEO:", GenerationOptions.tokens(64))) {
 *     generation.forEachRemaining(token -> System.out.print(token.text()));
 * }
 * }</pre>
 */
public final class BitNetModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BitNetModel.class);

    private final GgufFile file;
    private final Kernels kernels;
    private final BitNetTransformer transformer;
    private final Tokenizer tokenizer;
    private final ModelInfo info;
    private final int contextLength;

    private BitNetModel(GgufFile file, Kernels kernels, ModelConfig config, ModelOptions options) {
        this.file = file;
        this.kernels = kernels;
        contextLength = options.contextLength() > 0 ? options.contextLength() : config.contextLength();
        if (contextLength > config.positionLimit()) {
            throw new BitNetException("a context of " + contextLength + " positions is more than the "
                    + config.positionLimit() + " up to which " + file.path() + " can run: some of its layers see no more of a text");
        }
        if (contextLength > config.contextLength()) {
            LOG.warn("a context of {} positions exceeds the {} that {} was trained for; text beyond will lose its sense",
                    contextLength, config.contextLength(), file.path());
        }
        transformer = new BitNetTransformer(file, config, kernels, Math.min(options.batchSize(), contextLength),
                contextLength, options.kvPrecision(), options.head(), options.layout());
        try {
            if (options.load() == LoadMode.HUGEPAGES) {
                transformer.copyWeights(options.loadListener());
                LOG.debug("copied {} bytes of weights, {} of them on huge pages", weightMemory().bytes().byteSize(),
                        weightMemory().hugeBytes());
            }
            tokenizer = Vocabularies.tokenizer(file);
            info = describe(file, config, tokenizer, options, transformer.coarseHeadBytes());
        } catch (RuntimeException | Error e) {
            transformer.close();
            throw e;
        }
    }

    /** Opens a model with {@link ModelOptions#DEFAULT}. */
    public static BitNetModel open(Path path) {
        return open(path, ModelOptions.DEFAULT);
    }

    /**
     * Opens a model.
     *
     * @throws BitNetException if the file cannot be read, is no GGUF file, or holds a model that cannot run here; the
     *                         message says what to do
     */
    public static BitNetModel open(Path path, ModelOptions options) {
        GgufFile file = openFile(path);
        try {
            ModelConfig config = ModelConfig.read(file);
            Kernels kernels = kernels(options);
            try {
                return new BitNetModel(file, kernels, config, options);
            } catch (RuntimeException | Error e) {
                kernels.close();
                throw e;
            }
        } catch (GgufException e) {
            file.close();
            throw malformed(path, e);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /**
     * Fetches a published model into the cache of Hugging Face tools, unless it is there; {@link Hub} says more.
     *
     * @param name of the catalogue, or {@code ORG/NAME[/FILE][@REVISION]} of a repository
     * @return the GGUF file, or the folder of a checkpoint
     * @throws BitNetException if it cannot be fetched; what has arrived stays for the next pull
     */
    public static Path pull(String name) {
        return Hub.ofProcess().pull(name, PullListener.NONE).path();
    }

    /**
     * The tokenizer of a file whose model need not be one that can run.
     *
     * @throws BitNetException if the file holds no vocabulary that is known here
     */
    public static Tokenizer tokenizer(GgufFile file) {
        return Vocabularies.tokenizer(file);
    }

    private static GgufFile openFile(Path path) {
        try {
            return GgufFile.open(path);
        } catch (GgufException e) {
            throw malformed(path, e);
        } catch (IOException e) {
            throw new BitNetException("cannot open " + path + ": " + Failures.reason(e), e);
        }
    }

    private static BitNetException malformed(Path path, GgufException e) {
        return new BitNetException(path + ": " + e.getMessage(), e);
    }

    private static Kernels kernels(ModelOptions options) {
        try {
            Kernels kernels = new Kernels(options.threads() > 0 ? options.threads() : Cpu.physicalCores(), options.isa());
            options.crossovers().ifPresent(kernels::setCrossovers);
            return kernels;
        } catch (NativeLibraryException e) {
            throw new BitNetException(e.getMessage(), e);
        }
    }

    private static ModelInfo describe(GgufFile file, ModelConfig config, Tokenizer tokenizer, ModelOptions options,
                                      OptionalLong coarseHeadBytes) {
        boolean generates = config.architecture().hasHead();
        long parameters = 0;
        long bytes = 0;
        for (GgufTensor tensor : file.tensors()) {
            if (tensor.name().equals(TwoPassHead.TENSOR)) {
                continue;
            }
            parameters += tensor.elements();
            boolean lookupOnly = tensor.name().equals("token_embd.weight")
                    && (!generates || file.tensor("output.weight").isPresent());
            bytes += lookupOnly || !tensor.hasData() ? 0 : tensor.byteSize();
        }
        long headBytes = generates
                ? file.tensor("output.weight").orElseGet(() -> file.requireTensor("token_embd.weight")).byteSize()
                : 0;
        bytes += coarseHeadBytes.orElse(headBytes) - headBytes;
        return new ModelInfo(file.metadata().string("general.name").orElse(String.valueOf(file.path().getFileName())),
                config.architecture().id(), generates, file.size(), parameters, config.layers(), config.hidden(), config.vocabulary(),
                config.contextLength(), config.kvBytesPerPosition(options.kvPrecision()), bytes,
                coarseHeadBytes.orElse(headBytes), Vocabularies.stopIds(file, tokenizer));
    }

    public ModelInfo info() {
        return info;
    }

    /** The file's metadata and tensors. */
    public GgufFile file() {
        return file;
    }

    /** The kernels in use: their CPU target, their names, and how fast they read memory. */
    public Kernels kernels() {
        return kernels;
    }

    /** Where the weights lie. */
    public WeightMemory weightMemory() {
        return transformer.weightMemory();
    }

    /** How generations find the tokens they can choose: {@code EXACT} or {@code TWO_PASS}. */
    public HeadMode head() {
        return transformer.coarseHeadBytes().isPresent() ? HeadMode.TWO_PASS : HeadMode.EXACT;
    }

    /**
     * How the file recommends to choose tokens, by its keys {@code general.sampling.*}; a default for what it does not name.
     *
     * @throws BitNetException if a value is none that can be
     */
    public SamplingOptions samplingDefaults() {
        return SamplingDefaults.of(file);
    }

    /** The tokenizer of the file; safe for any number of threads. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Positions that a session holds. */
    public int contextLength() {
        return contextLength;
    }

    /** Ids of a text, with BOS in front when the model expects it; names of control tokens in it are plain text. */
    public int[] encode(String prompt) {
        return withBos(tokenizer.encode(prompt, SpecialTokens.LITERAL));
    }

    /**
     * How to talk with this model.
     *
     * @param own empty for the template of the model, otherwise the one to use instead, see {@link ChatTemplates#select}
     * @throws ChatTemplateException if the template cannot be used
     */
    public ChatTemplate chatTemplate(Optional<String> own) {
        return Vocabularies.chatTemplate(file, tokenizer, own);
    }

    /** Ids of a chat up to where the model is to answer, with BOS in front when the model expects it. */
    public int[] encode(List<ChatMessage> messages, ChatTemplate template) {
        List<PromptPart> parts = template.render(messages, true);
        return withBos(IntStream.range(0, parts.size()).flatMap(i -> encode(parts.get(i), i == 0)).toArray());
    }

    private IntStream encode(PromptPart part, boolean first) {
        return IntStream.of(tokenizer.encode(part.text(), part.control() ? SpecialTokens.PARSE : SpecialTokens.LITERAL, first));
    }

    private int[] withBos(int[] ids) {
        OptionalInt bos = tokenizer.bos();
        boolean there = bos.isPresent() && ids.length > 0 && ids[0] == bos.getAsInt();
        return tokenizer.addBos() && bos.isPresent() && !there
                ? IntStream.concat(IntStream.of(bos.getAsInt()), IntStream.of(ids)).toArray()
                : ids;
    }

    /**
     * Ids of a text that is not to be continued: as {@link #encode(String)}, with EOS behind when the model expects it, as models
     * for embeddings do.
     */
    public int[] encodeWhole(String text) {
        int[] ids = encode(text);
        OptionalInt eos = tokenizer.eos();
        return tokenizer.addEos() && eos.isPresent()
                ? IntStream.concat(IntStream.of(ids), IntStream.of(eos.getAsInt())).toArray()
                : ids;
    }

    /**
     * A vector for each text: of {@link ModelInfo#hidden} numbers and length 1, so that dot products are cosines. Any model gives
     * vectors, but only those of one that was trained for it are alike where texts are.
     *
     * @throws BitNetException if a text has no tokens, or does not fit the context
     */
    public List<float[]> embed(List<String> texts) {
        return embedder(Optional.empty()).embed(texts);
    }

    /**
     * Texts to vectors, many or with progress. To be used before the model is closed.
     *
     * @param pooling empty for what the file names
     * @throws BitNetException if it names what is not known here
     */
    public Embedder embedder(Optional<Pooling> pooling) {
        return new Embedder(this, transformer, pooling.orElseGet(() -> Pooling.of(file, info.architecture())),
                file.metadata().integer(ModelConfig.MOST_TOKENS_KEY));
    }

    /**
     * An empty session. It belongs to the caller, who closes it before the model.
     *
     * @throws BitNetException if it is a model for embeddings, which cannot go on with a text
     */
    public Session newSession() {
        if (!info.generates()) {
            throw new BitNetException(file.path() + " is a model for embeddings: it has no output head to go on with a text; "
                    + "'bitnet embed' makes vectors of texts");
        }
        return new Session(this, transformer);
    }

    /** Stops the threads and unmaps the file. */
    @Override
    public void close() {
        transformer.close();
        kernels.close();
        file.close();
    }
}
