package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.tokenizer.SpecialText;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet tokenize}: text to token ids and back. Needs the vocabulary of a model and nothing else of it. */
@Command(name = "tokenize", sortOptions = true,
        description = {"Turn text into token ids, or back.",
                "%nThe ids are one JSON array on a line, as the model would read them: with BOS in front where it "
                + "expects one. Works with any GGUF file that holds a vocabulary, also of a model that cannot run.%n"},
        footer = {"", "Examples:",
                "  bitnet tokenize -p \"To be, or not to be\"",
                "  bitnet tokenize -f hamlet.txt > ids.json; bitnet tokenize --decode --ids ids.json",
                "  bitnet tokenize --jsonl texts.jsonl      one JSON string a line in, one array a line out, no BOS"})
final class TokenizeCommand extends ModelCommand {
    @Mixin
    private PromptInput prompt;

    @Option(names = "--jsonl", paramLabel = "FILE", order = 5,
            description = "Tokenize the JSON string on each line of a file ('-': standard input), without BOS.")
    private String jsonl;

    @Option(names = "--decode", order = 6,
            description = "Turn ids into text: those of --ids, -p, -f or standard input; with --jsonl an array on each line.")
    private boolean decode;

    @Option(names = "--no-bos", order = 7, description = "Leave out BOS.")
    private boolean noBos;

    TokenizeCommand(Console console) {
        super(console);
    }

    private record Result(String model, int[] ids, List<String> tokens) {}

    private record Decoded(String model, int[] ids, String text) {}

    @Override
    public Integer call() throws IOException {
        if (jsonl != null) {
            if (prompt.isGiven() || json) {
                throw new UsageException("--jsonl stands alone, without -p, -f, --ids and --json");
            }
            Tokenizer tokenizer = tokenizer();
            lines(tokenizer);
        } else if (decode) {
            decode(prompt.readIds(console));
        } else if (prompt.isIds()) {
            throw new UsageException("--ids has no text to tokenize; add --decode to see the text of the ids");
        } else {
            encode(prompt.read(console));
        }
        return OK;
    }

    private Tokenizer tokenizer() throws IOException {
        try (GgufFile file = openFile(modelPath())) {
            return BitNetModel.tokenizer(file);
        }
    }

    private void encode(PromptInput.Prompt input) throws IOException {
        Tokenizer tokenizer = tokenizer();
        int[] ids = input.encode(tokenizer, !noBos);
        if (json) {
            Json.print(console.out(), new Result(modelPath().toString(), ids, Arrays.stream(ids)
                    .mapToObj(id -> new String(tokenizer.bytes(id), StandardCharsets.UTF_8)).toList()));
        } else {
            console.out().println(TokenIds.format(ids));
        }
    }

    private void decode(int[] ids) throws IOException {
        Tokenizer tokenizer = tokenizer();
        check(tokenizer, ids, "");
        String text = tokenizer.decode(ids, specialText());
        if (json) {
            Json.print(console.out(), new Decoded(modelPath().toString(), ids, text));
            return;
        }
        console.out().print(text);
        if (console.outIsTerminal()) {
            console.out().println("");
        }
    }

    private SpecialText specialText() {
        return prompt.special() ? SpecialText.SHOW : SpecialText.HIDE;
    }

    private static void check(Tokenizer tokenizer, int[] ids, String where) {
        for (int id : ids) {
            if (id < 0 || id >= tokenizer.size()) {
                throw new BitNetException(where + "token id " + id + " is outside the vocabulary of " + tokenizer.size());
            }
        }
    }

    private void lines(Tokenizer tokenizer) throws IOException {
        try (BufferedReader reader = jsonl.equals("-")
                ? new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8.newDecoder()))
                : Files.newBufferedReader(Path.of(jsonl))) {
            JsonLines values = new JsonLines(jsonl);
            SpecialTokens special = prompt.special() ? SpecialTokens.PARSE : SpecialTokens.LITERAL;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                String where = values.next();
                if (decode) {
                    int[] ids = TokenIds.parse(line, where);
                    check(tokenizer, ids, where + ": ");
                    console.out().println(values.quote(tokenizer.decode(ids, specialText())));
                } else {
                    console.out().println(TokenIds.format(tokenizer.encode(values.text(line), special)));
                }
            }
        } catch (CharacterCodingException e) {
            throw new BitNetException(jsonl + " is not UTF-8 text; convert it, for example with iconv -t UTF-8", e);
        }
    }
}
