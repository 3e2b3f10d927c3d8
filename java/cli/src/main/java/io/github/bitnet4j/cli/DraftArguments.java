package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.DraftUse;
import io.github.bitnet4j.draft.Draft;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Whether a generating command guesses tokens, to verify several in one pass. */
final class DraftArguments {
    @Option(names = "--draft", paramLabel = "MODE", order = 88,
            description = "Guess tokens and verify several in one pass: lookup, what followed the same words before, or none. "
                    + "The text is the same (default: lookup).")
    private String mode = "lookup";

    @Option(names = "--draft-max", paramLabel = "K", order = 89,
            description = "Most guesses of a pass; fewer where they would not pay (default: 8).")
    private int most = Draft.LOOKUP.most();

    Draft draft() {
        return switch (mode) {
            case "lookup" -> ModelCommand.checked(() -> new Draft.Lookup(most));
            case "none" -> Draft.NONE;
            default -> throw new UsageException("--draft is '" + mode + "'; it must be lookup or none");
        };
    }

    /** What drafts did, for a summing-up line. */
    static String text(DraftUse use) {
        return use.drafted() == 0 ? "none"
                : String.format(Locale.ROOT, "%d of %d right, %.2f tokens a pass", use.accepted(), use.drafted(), use.tokensPerPass());
    }
}
