package io.github.bitnet4j.cli;

import io.github.bitnet4j.hub.Hub;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet rm}: a model out of the cache. */
@Command(name = "rm",
        description = {"Delete a model that was pulled.",
                "%nFiles that another snapshot of the repository needs stay. Other Hugging Face tools share the cache: what is "
                + "deleted is gone for them, too.%n"},
        footer = {"", "Examples:",
                "  bitnet rm bitnet-2b-4t",
                "  bitnet rm microsoft/bitnet-b1.58-2B-4T --yes"})
final class RemoveCommand extends BitNetCommand {
    @Parameters(paramLabel = "MODEL",
            description = "NAME or ORG/NAME[/FILE], of every revision; with @REVISION, of that one.")
    private String model;

    @Option(names = {"-y", "--yes"}, order = 1, description = "Do not ask.")
    private boolean yes;

    RemoveCommand(Console console) {
        super(console);
    }

    private record Result(List<String> files, long freed) {}

    @Override
    public Integer call() throws IOException {
        Hub hub = new Hub(console.hub().get());
        List<String> files = hub.removable(model).stream().map(Path::toString).toList();
        if (!yes && !agreed(files)) {
            console.err().println("bitnet: nothing was deleted");
            return FAILED;
        }
        long freed = hub.remove(model);
        if (json) {
            Json.print(console.out(), new Result(files, freed));
        } else {
            console.err().println(model + ": " + Units.bytes(freed) + " are free again");
        }
        return OK;
    }

    private boolean agreed(List<String> files) throws IOException {
        if (!console.inIsTerminal()) {
            throw new UsageException("nobody is there to ask whether to delete " + model + "; give --yes");
        }
        files.forEach(console.err()::println);
        console.err().print("Delete " + (files.size() == 1 ? "this file" : "these " + files.size() + " files") + "? [y/N] ");
        console.err().flush();
        String answer = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8)).readLine();
        return answer != null && answer.strip().matches("(?i)y|yes");
    }
}
