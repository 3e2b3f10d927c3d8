package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A {@code tokenizer.model}: the {@code ModelProto} of SentencePiece, of the kind that is computed here exactly, which is BPE with
 * bytes to fall back on and text that is taken as it is.
 *
 * <p>Source: {@code src/sentencepiece_model.proto} of google/sentencepiece for the fields and their defaults, {@code src/bpe_model.cc}
 * for what is done with them.
 */
final class SentencePieceModel {
    /** Of {@link #type} as SentencePiece numbers them, which GGUF took over. */
    private static final List<String> TYPES = List.of("", "NORMAL", "UNKNOWN", "CONTROL", "USER_DEFINED", "UNUSED", "BYTE");
    private static final List<String> KINDS = List.of("", "UNIGRAM", "BPE", "WORD", "CHAR");
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;
    /** No vocabulary comes near it; Gemma's has 5 MB. */
    private static final long MOST_BYTES = 1 << 28;

    /** @param type a type of {@link TokenList} */
    record Piece(String text, float score, int type) {}

    private final Path file;
    private final List<Piece> pieces = new ArrayList<>();
    /** 0 until the model says something of its training, which every model does. */
    private int kind;
    private boolean byteFallback;
    private boolean spaceBehind;
    private int bos = 1;
    private int eos = 2;
    private String rule = "";
    private boolean changesText;
    private boolean dummyPrefix = true;
    private boolean removesSpaces = true;
    private boolean marksSpaces = true;

    private SentencePieceModel(Path file) {
        this.file = file;
    }

    /**
     * Reads and checks a model.
     *
     * @throws BitNetException if it is damaged, or not of the kind that can be computed
     */
    static SentencePieceModel read(Path file) {
        SentencePieceModel model = new SentencePieceModel(file);
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new BitNetException(file + " has " + Files.size(file) + " bytes, more than any SentencePiece model");
            }
            model.read(new ProtobufMessage(ByteBuffer.wrap(Files.readAllBytes(file)), file));
        } catch (IOException e) {
            throw new BitNetException("cannot read " + file + ": " + e.getMessage(), e);
        }
        model.checkKind();
        model.checkPieces();
        model.checkMerges();
        return model;
    }

    private void read(ProtobufMessage message) {
        while (message.next()) {
            switch (message.field()) {
                case 1 -> pieces.add(piece(message.message()));
                case 2 -> readTraining(message.message());
                case 3 -> readNormalizer(message.message());
                case 5 -> readDenormalizer(message.message());
                default -> {}
            }
        }
    }

    private Piece piece(ProtobufMessage message) {
        String text = "";
        float score = 0;
        int type = TokenList.NORMAL;
        while (message.next()) {
            switch (message.field()) {
                case 1 -> text = message.text();
                case 2 -> score = message.real();
                case 3 -> type = message.integer();
                default -> {}
            }
        }
        return new Piece(text, score, type);
    }

    private void readTraining(ProtobufMessage message) {
        kind = Math.max(kind, UNIGRAM);
        while (message.next()) {
            switch (message.field()) {
                case 3 -> kind = message.integer();
                case 24 -> spaceBehind = message.bool();
                case 35 -> byteFallback = message.bool();
                case 41 -> bos = message.integer();
                case 42 -> eos = message.integer();
                default -> {}
            }
        }
    }

    private void readNormalizer(ProtobufMessage message) {
        while (message.next()) {
            switch (message.field()) {
                case 1 -> rule = message.text();
                case 2 -> changesText = message.length() > 0;
                case 3 -> dummyPrefix = message.bool();
                case 4 -> removesSpaces = message.bool();
                case 5 -> marksSpaces = message.bool();
                default -> {}
            }
        }
    }

    /** Decoding goes by it. */
    private void readDenormalizer(ProtobufMessage message) {
        while (message.next()) {
            if (message.field() == 2 && message.length() > 0) {
                throw bad("changes text that it decodes by a rule of its own (denormalizer_spec), which is not done here");
            }
        }
    }

    private void checkKind() {
        if (pieces.isEmpty() || kind == 0) {
            throw bad("is no SentencePiece model, or damaged: it has " + (pieces.isEmpty() ? "no pieces" : "no trainer_spec"));
        }
        if (kind != BPE) {
            throw bad("is a SentencePiece model of the kind " + name(KINDS, kind) + "; only BPE can be used here");
        }
        if (!byteFallback) {
            throw bad("has no bytes for characters that it does not know (byte_fallback is false); such models cannot be used here");
        }
        if (changesText) {
            throw bad("changes text by the rule " + TokenList.quoted(rule) + " before it is encoded; only 'identity', which changes "
                    + "nothing, can be used here");
        }
        if (removesSpaces) {
            throw bad("removes spaces that follow others (remove_extra_whitespaces is true), which is not done here");
        }
        if (spaceBehind || !marksSpaces) {
            throw bad((spaceBehind ? "puts spaces behind words (treat_whitespace_as_suffix is true)"
                    : "keeps spaces as they are (escape_whitespaces is false)") + ", which is not done here");
        }
    }

    private void checkPieces() {
        Set<String> found = new HashSet<>();
        BitSet bytes = new BitSet();
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            if (piece.text().isEmpty() || Float.isNaN(piece.score()) || piece.type() < 1 || piece.type() >= TYPES.size()) {
                throw bad(id, "has " + (piece.text().isEmpty() ? "no text" : "the score " + piece.score() + " and the type " + piece.type())
                        + "; the file is damaged");
            }
            if (!found.add((isText(piece) ? "text " : "name ") + piece.text())) {
                throw bad(id, "was there before; the file is damaged");
            }
            if (piece.type() == TokenList.BYTE) {
                if (!TokenList.isByteName(piece.text())) {
                    throw bad(id, "is no name of a byte, but of the type BYTE; the file is damaged");
                }
                bytes.set(Integer.parseInt(piece.text(), 3, 5, 16));
            }
        }
        long unknown = pieces.stream().filter(piece -> piece.type() == TokenList.UNKNOWN).count();
        if (bytes.cardinality() != 256 || unknown != 1) {
            throw bad("has pieces for " + bytes.cardinality() + " of 256 bytes and " + unknown + " of the type UNKNOWN, where one "
                    + "must be; the file is damaged");
        }
    }

    /**
     * SentencePiece can merge characters that are no pieces, and takes apart again what became an unused piece. No trained model needs
     * either, and tokens that are merged here have to be pieces.
     */
    private void checkMerges() {
        Set<String> known = new HashSet<>();
        pieces.stream().filter(SentencePieceModel::isText).map(Piece::text).forEach(known::add);
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            String text = piece.text();
            boolean special = piece.type() == TokenList.CONTROL || piece.type() == TokenList.UNKNOWN;
            if (isCharacter(text) && (special || piece.type() == TokenList.UNUSED)) {
                throw bad(id, "is a character of the type " + TYPES.get(piece.type()) + ", which cannot be used here");
            }
            boolean merged = piece.type() == TokenList.NORMAL || piece.type() == TokenList.UNUSED;
            for (int middle = text.offsetByCodePoints(0, 1); merged && middle < text.length();
                    middle = text.offsetByCodePoints(middle, 1)) {
                String left = text.substring(0, middle);
                String right = text.substring(middle);
                boolean ofPieces = known.contains(left) && known.contains(right);
                boolean ofSymbols = (isCharacter(left) || known.contains(left)) && (isCharacter(right) || known.contains(right));
                if (piece.type() == TokenList.UNUSED && ofSymbols) {
                    throw bad(id, "is of the type UNUSED but can be merged; such models cannot be used here");
                }
                if (ofSymbols && !ofPieces) {
                    throw bad(id, "has a character that is no piece; such models cannot be used here");
                }
            }
        }
    }

    /** Whether text can become it, other than by a byte or by a special token's name. */
    private static boolean isText(Piece piece) {
        return switch (piece.type()) {
            case TokenList.NORMAL, TokenList.USER_DEFINED, TokenList.UNUSED -> true;
            default -> false;
        };
    }

    private static boolean isCharacter(String text) {
        return text.codePointCount(0, text.length()) == 1;
    }

    /** By id. */
    List<Piece> pieces() {
        return pieces;
    }

    /** Whether a space is put before a text. */
    boolean dummyPrefix() {
        return dummyPrefix;
    }

    /** The id that begins a text, or -1. */
    int bos() {
        return bos;
    }

    /** The id that ends a text, or -1. */
    int eos() {
        return eos;
    }

    private static String name(List<String> names, int number) {
        return number > 0 && number < names.size() ? names.get(number) : String.valueOf(number);
    }

    private BitNetException bad(int id, String problem) {
        return bad("has a piece, " + TokenList.quoted(pieces.get(id).text()) + " of id " + id + ", that " + problem);
    }

    private BitNetException bad(String problem) {
        return new BitNetException(file + " " + problem);
    }
}
