package io.github.bitnet4j.cli.bench;

import org.knowm.xchart.internal.chartpart.Chart;

/**
 * A drawn chart.
 *
 * @param name  of its files
 * @param about what it shows, a sentence or two for a reader of the report
 */
record Plot(String name, String about, Chart<?, ?> chart) {}
