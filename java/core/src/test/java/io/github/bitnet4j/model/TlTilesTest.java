package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.model.TlTiles.Tiles;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlTilesTest {
    /** The tables of bitnet.cpp's kernel generators, by which files of that program are read. */
    @ParameterizedTest
    @CsvSource({
        "1536, 4096, 256/128/32, 256/96/32", "1536, 1536, 128/64/64, 128/192/32", "4096, 1536, 256/128/32, 256/96/32",
        "3200, 8640, 160/64/32, 160/96/32", "3200, 3200, 320/128/64, 320/96/32", "8640, 3200, 320/64/32, 320/96/32",
        "14336, 4096, 256/128/32, 256/96/32", "4096, 14336, 128/64/64, 128/96/32", "1024, 4096, 256/128/32, 256/96/32",
        "4096, 4096, 128/64/64, 128/96/32"})
    void published(long rows, long cols, String tl1, String tl2) {
        assertEquals(tl1, TlTiles.published(GgmlType.TL1, rows, cols).map(Tiles::toString).orElseThrow());
        assertEquals(tl2, TlTiles.usual(GgmlType.TL2, rows, cols).toString());
    }

    @Test
    void ofOtherShapesTheMostThatDivides() {
        assertEquals(Optional.empty(), TlTiles.published(GgmlType.TL2, 2560, 6912));
        assertEquals("256/96/32", TlTiles.usual(GgmlType.TL2, 2560, 6912).toString());
        assertEquals("160/128/32", TlTiles.usual(GgmlType.TL1, 320, 2560).toString());
        assertEquals("224/72/32", TlTiles.usual(GgmlType.TL1, 672, 72).toString());
    }
}
