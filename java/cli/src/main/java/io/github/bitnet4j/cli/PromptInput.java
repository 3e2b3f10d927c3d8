package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Where a command's text or tokens come from: {@code -p}, {@code -f}, {@code --ids} or standard input, one of them. */
final class PromptInput {
    static final String STDIN = "-";

    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", order = 1, description = "The text.")
    private String text;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", order = 2,
            description = "A UTF-8 file with the text, taken as it is ('-': standard input).")
    private String file;

    @Option(names = "--ids", paramLabel = "FILE", order = 3,
            description = "A file with token ids, taken as they are: a JSON array, or numbers apart by spaces or commas.")
    private String ids;

    @Option(names = "--special", order = 4,
            description = "Names of control tokens in the text, such as <|eot_id|>, stand for these tokens.")
    private boolean special;

    /** Either text or ids, as it was read. */
    record Prompt(Optional<String> text, int[] ids, SpecialTokens special) {

        /** The tokens that the model reads: BOS is put before text where the model expects it. */
        int[] encode(Tokenizer tokenizer) {
            return encode(tokenizer, true);
        }

        int[] encode(Tokenizer tokenizer, boolean bos) {
            return text.map(content -> {
                int[] encoded = tokenizer.encode(content, special);
                return bos && tokenizer.addBos() && tokenizer.bos().isPresent()
                        ? IntStream.concat(IntStream.of(tokenizer.bos().getAsInt()), IntStream.of(encoded)).toArray()
                        : encoded;
            }).orElse(ids);
        }
    }

    boolean special() {
        return special;
    }

    boolean isIds() {
        return ids != null;
    }

    boolean isGiven() {
        return text != null || file != null || ids != null;
    }

    /** Reads it. */
    Prompt read(Console console) throws IOException {
        if (isIds()) {
            return new Prompt(Optional.empty(), TokenIds.parse(content(console), where()), SpecialTokens.LITERAL);
        }
        return new Prompt(Optional.of(content(console)), new int[0], special ? SpecialTokens.PARSE : SpecialTokens.LITERAL);
    }

    /** Reads it as ids, whichever way it is given. */
    int[] readIds(Console console) throws IOException {
        return TokenIds.parse(content(console), where());
    }

    private String content(Console console) throws IOException {
        if (Stream.of(Optional.ofNullable(text), Optional.ofNullable(file), Optional.ofNullable(ids))
                .filter(Optional::isPresent).count() > 1) {
            throw new UsageException("-p, -f and --ids exclude each other; give one of them");
        }
        if (text != null) {
            return text;
        }
        String name = ids != null ? ids : file;
        if (name == null && console.inIsTerminal()) {
            throw new UsageException("there is no text; give -p TEXT, -f FILE or --ids FILE, or pipe it to standard input");
        }
        return text(name == null ? STDIN : name, console);
    }

    /** The text of a file, or of standard input. */
    static String text(String file, Console console) throws IOException {
        return file.equals(STDIN) ? decode(console.in().readAllBytes(), nameOf(file)) : read(Path.of(file));
    }

    private String where() {
        return text != null ? "-p" : nameOf(ids != null ? ids : file != null ? file : STDIN);
    }

    /** What messages call a file. */
    static String nameOf(String file) {
        return file.equals(STDIN) ? "standard input" : file;
    }

    private static String read(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new BitNetException(file + " is a folder, not a file");
        }
        return decode(Files.readAllBytes(file), file.toString());
    }

    private static String decode(byte[] bytes, String where) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new BitNetException(where + " is not UTF-8 text; convert it, for example with iconv -t UTF-8", e);
        }
    }
}
