package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What the kinds of tokenizers share: the vocabulary in a few primitive arrays, special tokens, which are found in a text first,
 * and neighbours that are merged by rank. How the text between special tokens is cut and begun is each kind's own.
 */
abstract sealed class TableTokenizer implements Tokenizer permits BytePairTokenizer, SentencePieceTokenizer {

    final TokenTable tokens;
    private final Spelling spelling;
    private final int[] byteToken = new int[256];
    private final BitSet control = new BitSet();
    private final BitSet user = new BitSet();
    /** Found in any text; and found where control tokens are parsed, which includes the former. */
    private final SpecialTrie userDefined = new SpecialTrie();
    private final SpecialTrie special = new SpecialTrie();
    /** Neither of these, but found by {@link SentencePieceTokenizer} in what it makes of a text, see {@link Vocabulary#piecesWithin}. */
    final SpecialTrie within = new SpecialTrie();
    private final OptionalInt bos;
    private final OptionalInt eos;
    private final OptionalInt eot;
    private final boolean addBos;
    private final boolean addEos;

    /** @param addBos whether the model expects BOS where the vocabulary does not say so */
    TableTokenizer(Vocabulary vocabulary, Spelling spelling, boolean addBos) {
        this.spelling = spelling;
        bos = vocabulary.bos();
        eos = vocabulary.eos();
        eot = vocabulary.eot();
        this.addBos = vocabulary.addBos().orElse(addBos);
        addEos = vocabulary.addEos();
        Arrays.fill(byteToken, -1);
        tokens = readTokens(vocabulary);
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
            addSpecial(id, type, token, vocabulary.piecesWithin());
            int at = table.reserve(Spelling.MOST_BYTES * token.length());
            int end = isSpelled(type) ? spelling.write(token, 0, token.length(), table.arena(), at) : -1;
            int single = type == Vocabulary.BYTE ? byteNamed(token) : -1;
            if (single >= 0) {
                byteToken[single] = byteToken[single] < 0 ? id : byteToken[single];
                table.arena()[at] = (byte) single;
                table.add(at + 1, false);
            } else if (end >= 0) {
                table.add(end, end > at);
            } else {
                byte[] verbatim = Utf8.encode(token);
                System.arraycopy(verbatim, 0, table.arena(), at, verbatim.length);
                table.add(at + verbatim.length, false);
            }
            id++;
        }
        return table.build();
    }

    /** Whether a token of this type is written in the spelling of the vocabulary; others are as they are. */
    private boolean isSpelled(int type) {
        return switch (type) {
            case Vocabulary.UNKNOWN, Vocabulary.CONTROL -> false;
            case Vocabulary.USER_DEFINED -> spelling == Spelling.SPACE_MARK; // merges can make it, too
            default -> true;
        };
    }

    private void addSpecial(int id, int type, String token, boolean piecesWithin) {
        boolean everywhere = type == Vocabulary.USER_DEFINED;
        boolean parsed = type == Vocabulary.CONTROL || type == Vocabulary.UNKNOWN;
        if (parsed) {
            control.set(id);
        }
        user.set(id, everywhere);
        if (token.isEmpty() || !everywhere && !parsed) {
            return;
        }
        if (everywhere && piecesWithin) {
            within.add(Utf8.encode(token.replace(SentencePieceTokenizer.SPACE_MARK, ' ')), id);
            return;
        }
        byte[] text = Utf8.encode(token);
        special.add(text, id);
        if (everywhere) {
            userDefined.add(text, id);
        }
    }

    /** @return the byte of a name such as {@code <0x0A>}, or -1 */
    private static int byteNamed(String token) {
        boolean named = token.length() == 6 && token.startsWith("<0x") && token.endsWith(">");
        int high = named ? Character.digit(token.charAt(3), 16) : -1;
        int low = named ? Character.digit(token.charAt(4), 16) : -1;
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    /** The merges of the vocabulary, their ranks the places in its list. */
    final MergeTable readMerges(Vocabulary vocabulary) {
        int size = vocabulary.merges().size();
        if (size > MergeTable.MAX_MERGES) {
            throw new VocabularyException("tokenizer.ggml.merges has " + size + " entries, more than " + MergeTable.MAX_MERGES);
        }
        MergeTable table = new MergeTable(size);
        int most = 2 * tokens.longest();
        byte[] bytes = new byte[Spelling.MOST_BYTES * most];
        int rank = 0;
        int guess = 0; // in most vocabularies the merges make the tokens in the order of their ids
        for (String merge : vocabulary.merges()) {
            int space = merge.indexOf(' ');
            boolean fits = space > 0 && merge.length() - 1 <= most;
            int middle = fits ? spelling.write(merge, 0, space, bytes, 0) : -1;
            int end = middle > 0 ? spelling.write(merge, space + 1, merge.length(), bytes, middle) : -1;
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

    /** Notes that a token stands for a byte. */
    final void setByteToken(int b, int id) {
        byteToken[b] = id;
    }

    /** @return the token of a byte */
    final int byteToken(byte b) {
        int id = byteToken[b & 0xFF];
        if (id < 0) {
            throw new VocabularyException("the vocabulary has no token for the byte 0x" + Integer.toHexString(b & 0xFF)
                    + ", so this text cannot be encoded");
        }
        return id;
    }

    @Override
    public final int[] encode(String text, SpecialTokens mode, boolean first) {
        byte[] utf8 = Utf8.encode(text);
        IdList ids = new IdList(utf8.length / 3);
        PairMerger merger = new PairMerger(merges());
        cut(mode == SpecialTokens.PARSE ? special : userDefined, utf8, ids,
                (from, to) -> encode(utf8, from, to, first && from == 0, merger, ids));
        return ids.toArray();
    }

    /** Encodes text between tokens that are found as they are; it may be empty. */
    interface Between {
        void encode(int from, int to);
    }

    /** Cuts a text at the tokens of a trie, which go into {@code ids} behind what {@code between} makes of the text before them. */
    static void cut(SpecialTrie trie, byte[] text, IdList ids, Between between) {
        int from = 0;
        for (int at = trie.candidate(text, 0, text.length); at < text.length;) {
            int end = trie.longest(text, at, text.length);
            if (end < 0) {
                at = trie.candidate(text, at + 1, text.length);
                continue;
            }
            between.encode(from, at);
            ids.add(trie.token(text, at, end));
            from = end;
            at = trie.candidate(text, from, text.length);
        }
        between.encode(from, text.length);
    }

    abstract MergeTable merges();

    /** Encodes a stretch of text, which may be empty, between special tokens; the {@code first} has nothing before it. */
    abstract void encode(byte[] text, int from, int to, boolean first, PairMerger merger, IdList into);

    @Override
    public final byte[] bytes(int id) {
        return tokens.bytes(check(id));
    }

    @Override
    public final int size() {
        return tokens.size();
    }

    @Override
    public final OptionalInt bos() {
        return bos;
    }

    @Override
    public final OptionalInt eos() {
        return eos;
    }

    @Override
    public final OptionalInt eot() {
        return eot;
    }

    @Override
    public final boolean addBos() {
        return addBos;
    }

    @Override
    public final boolean addEos() {
        return addEos;
    }

    @Override
    public final boolean isSpecial(int id) {
        return control.get(check(id));
    }

    @Override
    public final boolean isUserDefined(int id) {
        return user.get(check(id));
    }

    @Override
    public final boolean isBetweenTexts(int id) {
        return isSpecial(id) || within.isEmpty() && isUserDefined(id);
    }

    @Override
    public final OptionalInt id(String token) {
        byte[] verbatim = Utf8.encode(token);
        int id = special.token(verbatim, 0, verbatim.length);
        if (id < 0) {
            byte[] spelled = new byte[Spelling.MOST_BYTES * token.length()];
            int end = spelling.write(token, 0, token.length(), spelled, 0);
            id = end > 0 ? tokens.find(spelled, 0, end) : -1;
        }
        int single = spelling == Spelling.SPACE_MARK ? byteNamed(token) : -1;
        if (id < 0 && single >= 0) {
            id = byteToken[single];
        }
        return id >= 0 ? OptionalInt.of(id) : OptionalInt.empty();
    }

    private int check(int id) {
        return Objects.checkIndex(id, size());
    }
}
