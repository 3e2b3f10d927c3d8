package io.github.bitnet4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jcodings.exception.JCodingsException;
import org.jcodings.specific.UTF8Encoding;
import org.joni.Matcher;
import org.joni.Option;
import org.joni.Regex;
import org.joni.Syntax;
import org.joni.WarnCallback;
import org.joni.constants.SyntaxProperties;
import org.joni.exception.JOniException;

/**
 * A regular expression of a {@code tokenizer.json}, searched in UTF-8. Hugging Face's tokenizers read it by Oniguruma in Ruby's syntax
 * with Unicode's classes, and so does Joni, a port of an older Oniguruma; what the two read differently is refused.
 */
final class SplitExpression {

    private static final Syntax ONIGURUMA = new Syntax("Oniguruma", Syntax.RUBY.op, Syntax.RUBY.op2 | SyntaxProperties.OP2_ESC_U_HEX4,
            Syntax.RUBY.op3, Syntax.RUBY.behavior, Option.NONE, Syntax.RUBY.metaCharTable);

    private final String source;
    private final Regex regex;
    private final Duration limit;

    /**
     * @param limit how long a text is searched at most
     * @throws VocabularyException if this is no expression, or one that cannot be used
     */
    SplitExpression(String source, Duration limit) {
        this.source = source;
        this.limit = limit;
        byte[] utf8 = ExpressionReader.read(source).getBytes(StandardCharsets.UTF_8);
        try {
            regex = new Regex(utf8, 0, utf8.length, Option.NONE, UTF8Encoding.INSTANCE, ONIGURUMA, WarnCallback.NONE);
        } catch (JOniException | JCodingsException e) {
            throw new VocabularyException("text is split by the expression " + source + ", which cannot be read: " + e.getMessage());
        }
    }

    /** @return a search of a text, for one thread */
    Search search(byte[] text) {
        return new Search(text);
    }

    /** Goes from match to match. */
    final class Search {
        private final byte[] text;
        private final long deadline = System.nanoTime() + limit.toNanos();
        private Matcher matcher;
        /** Joni counts from here in what it returns, and from the array's begin in what it is given. */
        private int origin;
        private int at;
        private int to;
        /** Where the last match ended, or -1 before the first. */
        private int matched;

        private Search(byte[] text) {
            this.text = text;
        }

        /** Begins anew with {@code text[from, to)} as all there is. */
        void begin(int from, int end) {
            matcher = regex.matcherNoRegion(text, from, end);
            origin = from;
            at = from;
            to = end;
            matched = -1;
        }

        /** @return whether there is another match; an empty one is none where the match before it ends */
        boolean find() {
            while (at <= to) {
                long left = deadline - System.nanoTime();
                matcher.setTimeout(left);
                int found = left > 0 ? matcher.search(at, to, Option.NONE) : Matcher.INTERRUPTED;
                if (found == Matcher.INTERRUPTED) {
                    throw new VocabularyException("the expression " + source + ", by which text is split, has found no end in "
                            + limit.toSeconds() + " s: it tries too many ways through this text of " + text.length
                            + " bytes; give the text in parts");
                }
                if (found < 0) {
                    return false;
                }
                if (start() < end() || end() != matched) {
                    at = end();
                    matched = at;
                    return true;
                }
                at += at < to ? Utf8.width(text[at] & 0xFF) : 1;
            }
            return false;
        }

        int start() {
            return origin + matcher.getBegin();
        }

        int end() {
            return origin + matcher.getEnd();
        }
    }
}
