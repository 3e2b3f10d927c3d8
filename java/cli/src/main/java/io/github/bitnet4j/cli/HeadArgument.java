package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.HeadUse;
import io.github.bitnet4j.model.HeadMode;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How a generating command finds the tokens it can choose. */
final class HeadArgument {
    @Option(names = "--head", paramLabel = "MODE", order = 85,
            description = "Output head: exact, or two-pass, which reads a coarse copy and then the rows that matter and gives "
                    + "the same tokens; it packs the copy if the file has none (default: two-pass if the file has it, or the "
                    + "head has 32 MiB or more).")
    private String head = "auto";

    HeadMode mode() {
        return switch (head) {
            case "auto" -> HeadMode.AUTO;
            case "exact" -> HeadMode.EXACT;
            case "two-pass" -> HeadMode.TWO_PASS;
            default -> throw new UsageException("--head is '" + head + "'; it must be auto, exact or two-pass");
        };
    }

    /** What the head did, for a summing-up line. */
    static String text(HeadUse use) {
        return use.twoPass() == 0 ? "exact"
                : use.twoPass() == use.tokens() ? String.format(Locale.ROOT, "two-pass, %.0f exact logits a token", use.logitsPerToken())
                : String.format(Locale.ROOT, "two-pass for %d of %d tokens, %.0f exact logits each", use.twoPass(), use.tokens(),
                        use.logitsPerToken());
    }
}
