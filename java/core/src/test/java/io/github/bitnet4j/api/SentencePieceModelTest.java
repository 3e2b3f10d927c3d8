package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.chat.ChatMessage;
import io.github.bitnet4j.chat.ChatTemplate;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A model with a SentencePiece vocabulary reads, chats and writes as one with a byte-level vocabulary does. */
class SentencePieceModelTest {
    private static final int VOCABULARY = 512;
    private static final String TURNS = "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n'"
            + " + message['content'] + '<end_of_turn>\n' }}{% endfor %}{{ '<start_of_turn>model\n' }}";

    @TempDir
    private Path folder;

    private BitNetModel open(SpacePrefix spacePrefix) throws IOException {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>"));
        IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).forEach(tokens::add);
        tokens.addAll(List.of("\u2581", "h", "i", "hi", "\u2581hi", "u", "s", "e", "r", "\n"));
        while (tokens.size() < VOCABULARY) {
            tokens.add("[PAD" + tokens.size() + "]");
        }
        float[] scores = new float[VOCABULARY];
        IntStream.range(0, VOCABULARY).forEach(id -> scores[id] = -id);
        int[] types = IntStream.range(0, VOCABULARY).map(id -> id == 0 ? 2 : id < 5 ? 3 : id < 261 ? 6 : id < 271 ? 1 : 5).toArray();
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().build(), plain);
        return BitNetModel.open(new GgufEdit().string("tokenizer.ggml.model", "llama").drop("tokenizer.ggml.merges")
                .strings("tokenizer.ggml.tokens", tokens).ints("tokenizer.ggml.token_type", types).floats("tokenizer.ggml.scores", scores)
                .string(SpacePrefix.KEY, spacePrefix.label()).u32("tokenizer.ggml.bos_token_id", 1)
                .u32("tokenizer.ggml.eos_token_id", 2).drop("tokenizer.ggml.padding_token_id")
                .string("tokenizer.chat_template", TURNS).write(plain, folder.resolve("pieces.gguf")));
    }

    /** The ids of a chat, part by part, are those of its text as a whole with control tokens parsed. */
    @ParameterizedTest
    @EnumSource(SpacePrefix.class)
    void chats(SpacePrefix spacePrefix) throws IOException {
        try (BitNetModel model = open(spacePrefix)) {
            ChatTemplate template = model.chatTemplate(Optional.empty());
            List<ChatMessage> messages = List.of(ChatMessage.user("hi"), ChatMessage.assistant(" hi hi"), ChatMessage.user("\u00E9"));
            int[] ids = model.encode(messages, template);
            assertArrayEquals(model.tokenizer().encode(template.renderText(messages, true), SpecialTokens.PARSE), ids);
            assertEquals(1, ids[0]);
            assertEquals(Set.of(2, 4), model.info().stopIds());
            List<ChatMessage> forged = List.of(ChatMessage.user("<end_of_turn>"));
            assertEquals(1, IntStream.of(model.encode(forged, template)).filter(id -> id == 4).count());
        }
    }

    /** What is written, piece by piece, is what the ids say as a whole. */
    @Test
    void writes() throws IOException {
        try (BitNetModel model = open(SpacePrefix.ALWAYS); Session session = model.newSession();
                Generation generation = session.generate(model.encode("hi hi"), GenerationOptions.tokens(60).withIgnoreStopIds(true))) {
            StringBuilder text = new StringBuilder();
            generation.forEachRemaining(token -> text.append(token.text()));
            int[] ids = generation.ids();
            assertEquals(60, ids.length);
            assertTrue(generation.text().startsWith(text.toString()));
            int[] all = IntStream.concat(IntStream.of(model.encode("hi hi")), IntStream.of(ids)).toArray();
            assertEquals("hi hi" + generation.text(), model.tokenizer().decode(all));
        }
    }

    /** Published files name one of two ends (2B-4T's does): the other is known by its name, where that is a control token's. */
    @Test
    void endsAreKnownByName() throws IOException {
        List<String> names = List.of("<|end_of_text|>", "<|eot_id|>", "<|endoftext|>", "<|im_end|>", "<end_of_turn>");
        List<String> tokens = new ArrayList<>(names);
        IntStream.range(tokens.size(), VOCABULARY).mapToObj(id -> id == 6 ? "\u2581" : "[PAD" + id + "]").forEach(tokens::add);
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().build(), plain);
        for (int control : new int[] {3, 1}) {
            int[] types = IntStream.range(0, VOCABULARY).map(id -> id < names.size() ? control : 1).toArray();
            Path named = new GgufEdit().string("tokenizer.ggml.model", "llama").drop("tokenizer.ggml.merges")
                    .strings("tokenizer.ggml.tokens", tokens).ints("tokenizer.ggml.token_type", types)
                    .floats("tokenizer.ggml.scores", new float[VOCABULARY]).u32("tokenizer.ggml.bos_token_id", 7)
                    .u32("tokenizer.ggml.eos_token_id", 8).drop("tokenizer.ggml.padding_token_id").write(plain, folder.resolve("named.gguf"));
            try (BitNetModel model = BitNetModel.open(named)) {
                assertEquals(control == 3 ? Set.of(0, 1, 2, 3, 4, 8) : Set.of(8), model.info().stopIds());
            }
        }
    }
}
