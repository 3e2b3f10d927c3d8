package io.github.bitnet4j.cli;

import io.github.bitnet4j.hub.Hub;
import io.github.bitnet4j.hub.PulledModel;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code bitnet pull}: a published model into the cache. */
@Command(name = "pull",
        description = {"Fetch a published model.",
                "%nFiles go where other Hugging Face tools look for them, are checked against the hub's checksums, and are fetched "
                + "once. What a broken or interrupted pull has fetched is kept, and the next one goes on there. HF_TOKEN, "
                + "HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, https_proxy and no_proxy mean what they mean elsewhere.%n"},
        footer = {"", "Examples:",
                "  bitnet pull bitnet-2b-4t                                 a name of 'bitnet list --catalogue'",
                "  bitnet pull microsoft/bitnet-b1.58-2B-4T                 a repository: its GGUF file or its checkpoint",
                "  bitnet pull tiiuae/Falcon-E-3B-Instruct-GGUF/ggml-model-i2_s.gguf",
                "  bitnet run -m bitnet-2b-4t -p \"The capital of France is\""})
final class PullCommand extends BitNetCommand {
    @Parameters(paramLabel = "MODEL", description = "NAME or ORG/NAME[/FILE], and @REVISION for another than main.")
    private String model;

    PullCommand(Console console) {
        super(console);
    }

    private record Result(String repository, String commit, String path, long bytes, double seconds) {}

    @Override
    public Integer call() {
        allowPasswordsOfProxies();
        long start = System.nanoTime();
        PulledModel pulled;
        try (Progress progress = new Progress(console, "pulling")) {
            pulled = new Hub(console.hub().get()).pull(model, (done, total, file) ->
                    progress.update(done, total, Units.bytes(done) + " of " + Units.bytes(total)));
        }
        if (!pulled.known()) {
            console.err().println("bitnet: " + model + " has been published anew since the catalogue was written");
        }
        report(new Result(pulled.repository(), pulled.commit(), pulled.path().toString(), pulled.bytes(),
                (System.nanoTime() - start) / 1e9));
        return OK;
    }

    /** The HTTP client sends none to a proxy of https URLs unless it is told to before it starts. */
    private static void allowPasswordsOfProxies() {
        String property = "jdk.http.auth.tunneling.disabledSchemes";
        if (System.getProperty(property) == null) {
            System.setProperty(property, "");
        }
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.err().printf(Locale.ROOT, "%s: %s in %.1f s%n", model, Units.bytes(result.bytes()), result.seconds());
            console.out().println(result.path());
        }
    }
}
