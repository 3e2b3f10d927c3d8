package io.github.bitnet4j.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnergyTest {
    @TempDir
    private Path sys;

    private void write(String file, String text) throws IOException {
        Path path = sys.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text + "\n");
    }

    @Test
    void aSystemWithoutCountersHasNone() {
        assertTrue(Energy.under(sys).isEmpty());
    }

    @Test
    void packagesAreAddedUpWithoutTheirPartsAndWrapAround() throws IOException {
        for (int i = 0; i < 2; i++) {
            write("powercap/intel-rapl:" + i + "/name", "package-" + i);
            write("powercap/intel-rapl:" + i + "/energy_uj", "9000000");
            write("powercap/intel-rapl:" + i + "/max_energy_range_uj", "10000000");
        }
        write("powercap/intel-rapl:0:0/name", "core");
        write("powercap/intel-rapl:0:0/energy_uj", "1");
        write("powercap/intel-rapl:2/name", "psys");
        write("powercap/intel-rapl:2/energy_uj", "1");
        Energy energy = Energy.under(sys).orElseThrow();
        long[] before = energy.now();
        write("powercap/intel-rapl:0/energy_uj", "9500000");
        write("powercap/intel-rapl:1/energy_uj", "250000");
        assertEquals(0.5 + 1.25, energy.joulesSince(before), 1e-12);
    }

    @Test
    void socketsOfHwmonServeWhereThereIsNoRapl() throws IOException {
        write("hwmon/hwmon3/energy1_label", "Ecore000");
        write("hwmon/hwmon3/energy1_input", "5");
        write("hwmon/hwmon3/energy2_label", "Esocket0");
        write("hwmon/hwmon3/energy2_input", "1000000");
        Energy energy = Energy.under(sys).orElseThrow();
        long[] before = energy.now();
        write("hwmon/hwmon3/energy2_input", "3000000");
        assertEquals(2, energy.joulesSince(before), 1e-12);
    }
}
