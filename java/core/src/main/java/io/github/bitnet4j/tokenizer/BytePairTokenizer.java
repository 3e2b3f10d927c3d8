package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Byte-level byte-pair encoding ({@code tokenizer.ggml.model = gpt2}): the text is split into pieces ({@link PreTokenizer}), a piece
 * starts as its UTF-8 bytes, and neighbours are merged by rank. Vocabulary and merges live in a few primitive arrays.
 */
public final class BytePairTokenizer implements Tokenizer {

    private final PreTokenizer split;
    private final TokenTable tokens;
    private final MergeTable merges;
    private final int[] byteToken = new int[256];
    private final BitSet control = new BitSet();
    /** Found in any text; and found where control tokens are parsed, which includes the former. */
    private final SpecialTrie userDefined = new SpecialTrie();
    private final SpecialTrie special = new SpecialTrie();
    private final OptionalInt bos;
    private final OptionalInt eos;
    private final OptionalInt eot;
    private final boolean addBos;

    /**
     * @param vocabulary its facts; nothing of it is kept
     * @param split      how text is cut into pieces
     */
    BytePairTokenizer(Vocabulary vocabulary, PreTokenizer split) {
        this.split = Objects.requireNonNull(split, "split");
        bos = vocabulary.bos();
        eos = vocabulary.eos();
        eot = vocabulary.eot();
        addBos = vocabulary.addBos();
        tokens = readTokens(vocabulary);
        byte[] single = new byte[1];
        for (int b = 0; b < 256; b++) {
            single[0] = (byte) b;
            byteToken[b] = tokens.find(single, 0, 1);
        }
        merges = readMerges(vocabulary);
    }

    private TokenTable readTokens(Vocabulary vocabulary) {
        int size = vocabulary.tokens().size();
        if (size > MergeTable.MAX_TOKENS) {
            throw new VocabularyException("tokenizer.ggml.tokens has " + size + " entries, more than " + MergeTable.MAX_TOKENS);
        }
        TokenTable.Builder table = new TokenTable.Builder(size);
        int id = 0;
        for (String token : vocabulary.tokens()) {
            int type = vocabulary.types().applyAsInt(id);
            boolean normal = switch (type) {
                case Vocabulary.UNKNOWN, Vocabulary.CONTROL, Vocabulary.USER_DEFINED -> false;
                default -> true;
            };
            int length = token.length();
            int at = table.reserve(length);
            int end = normal ? ByteAlphabet.decode(token, 0, length, table.arena(), at) : -1;
            if (end >= 0) {
                table.add(end, end > at);
            } else {
                addVerbatim(table, id, type, Utf8.encode(token));
            }
            id++;
        }
        return table.build();
    }

    /** A token that is not spelled in the byte alphabet: special ones, and those that no merge can make. */
    private void addVerbatim(TokenTable.Builder table, int id, int type, byte[] text) {
        int at = table.reserve(text.length);
        System.arraycopy(text, 0, table.arena(), at, text.length);
        table.add(at + text.length, false);
        boolean found = text.length > 0;
        if (type == Vocabulary.USER_DEFINED && found) {
            userDefined.add(text, id);
            special.add(text, id);
        } else if (type == Vocabulary.CONTROL || type == Vocabulary.UNKNOWN) {
            control.set(id);
            if (found) {
                special.add(text, id);
            }
        }
    }

    private MergeTable readMerges(Vocabulary vocabulary) {
        int size = vocabulary.merges().size();
        if (size > MergeTable.MAX_MERGES) {
            throw new VocabularyException("tokenizer.ggml.merges has " + size + " entries, more than " + MergeTable.MAX_MERGES);
        }
        MergeTable table = new MergeTable(size);
        byte[] bytes = new byte[2 * tokens.longest()];
        int rank = 0;
        int guess = 0; // in most vocabularies the merges make the tokens in the order of their ids
        for (String merge : vocabulary.merges()) {
            int space = merge.indexOf(' ');
            boolean fits = space > 0 && merge.length() - 1 <= bytes.length;
            int middle = fits ? ByteAlphabet.decode(merge, 0, space, bytes, 0) : -1;
            int end = middle > 0 ? ByteAlphabet.decode(merge, space + 1, merge.length(), bytes, middle) : -1;
            int left = end > 0 ? tokens.find(bytes, 0, middle) : -1;
            int right = end > 0 ? tokens.find(bytes, middle, end) : -1;
            int merged = end > 0 ? tokens.find(bytes, 0, end, guess) : -1;
            if (left < 0 || right < 0 || merged < 0) {
                throw new VocabularyException("tokenizer.ggml.merges[" + rank + "] is '" + excerpt(merge)
                        + "': it must be two tokens of the vocabulary with a space between them, and make a third");
            }
            table.put(rank++, left, right, merged);
            guess = merged;
        }
        return table;
    }

    private static String excerpt(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }

    @Override
    public int[] encode(String text, SpecialTokens mode) {
        byte[] utf8 = Utf8.encode(text);
        Encoding encoding = new Encoding(utf8);
        SpecialTrie trie = mode == SpecialTokens.PARSE ? special : userDefined;
        int from = 0;
        for (int at = trie.candidate(utf8, 0, utf8.length); at < utf8.length;) {
            int id = trie.longest(utf8, at, utf8.length);
            if (id < 0) {
                at = trie.candidate(utf8, at + 1, utf8.length);
                continue;
            }
            encoding.pieces(from, at);
            encoding.add(id);
            from = at + tokens.length(id);
            at = trie.candidate(utf8, from, utf8.length);
        }
        encoding.pieces(from, utf8.length);
        return Arrays.copyOf(encoding.ids, encoding.size);
    }

    /** One call of encode: the text, and the ids so far. */
    private final class Encoding {
        private final byte[] text;
        private final PairMerger merger = new PairMerger(merges);
        private int[] ids;
        private int size;

        Encoding(byte[] text) {
            this.text = text;
            ids = new int[text.length / 3 + 8];
        }

        void add(int id) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, size + (size >> 1) + 1);
            }
            ids[size++] = id;
        }

        void pieces(int from, int to) {
            while (from < to) {
                int end = split.end(text, from, to);
                int whole = split.wholePieces() ? tokens.find(text, from, end) : -1;
                if (whole >= 0) {
                    add(whole);
                } else {
                    merge(from, end);
                }
                from = end;
            }
        }

        private void merge(int from, int to) {
            int length = to - from;
            int[] piece = merger.tokens(length);
            for (int i = 0; i < length; i++) {
                int id = byteToken[text[from + i] & 0xFF];
                if (id < 0) {
                    throw new VocabularyException("the vocabulary has no token for the byte 0x"
                            + Integer.toHexString(text[from + i] & 0xFF) + ", so this text cannot be encoded");
                }
                piece[i] = id;
            }
            int left = merger.merge(length);
            for (int i = 0; i < left; i++) {
                add(piece[i]);
            }
        }
    }

    @Override
    public byte[] bytes(int id) {
        return tokens.bytes(check(id));
    }

    @Override
    public int size() {
        return tokens.size();
    }

    @Override
    public OptionalInt bos() {
        return bos;
    }

    @Override
    public OptionalInt eos() {
        return eos;
    }

    @Override
    public OptionalInt eot() {
        return eot;
    }

    @Override
    public boolean addBos() {
        return addBos;
    }

    @Override
    public boolean isSpecial(int id) {
        return control.get(check(id));
    }

    @Override
    public OptionalInt id(String token) {
        byte[] verbatim = Utf8.encode(token);
        int id = special.longest(verbatim, 0, verbatim.length);
        if (id >= 0 && tokens.length(id) == verbatim.length) {
            return OptionalInt.of(id);
        }
        byte[] spelled = new byte[token.length()];
        int end = ByteAlphabet.decode(token, 0, token.length(), spelled, 0);
        id = end > 0 ? tokens.find(spelled, 0, end) : -1;
        return id >= 0 ? OptionalInt.of(id) : OptionalInt.empty();
    }

    private int check(int id) {
        return Objects.checkIndex(id, size());
    }
}
