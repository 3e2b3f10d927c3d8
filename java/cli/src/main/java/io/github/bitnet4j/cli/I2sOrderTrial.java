package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.I2sOrder;
import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * In which order the I2_S weights of a file lie. The weights are possible ones in every order, but those of a trained model make
 * text likely in one alone.
 *
 * @param perplexities of a short English text, in each order that the tensors' shapes allow
 * @param vocabulary   token ids: the perplexity of who knows nothing
 */
record I2sOrderTrial(Map<I2sOrder, Double> perplexities, int vocabulary) {
    private static final int TOKENS = 128;
    /** So many times likelier is a token than by chance, and than in any other order, where there is no doubt. */
    private static final double CLEARLY = 4;

    /** Runs the model over the text in every order. */
    static I2sOrderTrial of(GgufFile file, ModelOptions options) throws IOException {
        String text = SampleText.read();
        Map<I2sOrder, Double> perplexities = new EnumMap<>(I2sOrder.class);
        int vocabulary = 0;
        for (I2sOrder order : I2sOrder.values()) {
            boolean possible = file.tensors().stream().filter(tensor -> tensor.type() == GgmlType.I2_S)
                    .allMatch(tensor -> order.fits(tensor.rows(), tensor.cols()));
            if (possible) {
                try (BitNetModel model = ModelCommand.open(file.path(), options.withI2sOrder(order))) {
                    perplexities.put(order, perplexity(model, text));
                    vocabulary = model.info().vocabulary();
                }
            }
        }
        return new I2sOrderTrial(perplexities, vocabulary);
    }

    private static double perplexity(BitNetModel model, String text) {
        int[] all = model.encode(text);
        int[] ids = Arrays.copyOf(all, Math.min(all.length, Math.min(TOKENS, model.contextLength())));
        Perplexity perplexity = new Perplexity();
        try (Session session = model.newSession()) {
            session.evaluate(ids, 0, (index, logits) -> {
                if (index + 1 < ids.length) {
                    perplexity.add(logits, ids[index + 1]);
                }
            });
        }
        return perplexity.value();
    }

    /** The order; empty if none stands out, as of random weights. */
    Optional<I2sOrder> order() {
        return perplexities.keySet().stream().filter(this::standsOut).findFirst();
    }

    private boolean standsOut(I2sOrder order) {
        double clearly = CLEARLY * perplexities.get(order);
        return clearly < vocabulary && perplexities.entrySet().stream()
                .allMatch(other -> other.getKey() == order || clearly < other.getValue());
    }

    /** One line for who reads it. */
    String text() {
        return "Order of I2_S: " + order().map(found -> found.text() + ", in which text is likely (perplexity "
                        + value(perplexities.get(found)) + " against " + values(found) + ")")
                .orElseGet(() -> "cannot tell, as text is likely in no order or in several (perplexity " + values(null) + ")");
    }

    private String values(I2sOrder except) {
        return perplexities.entrySet().stream().filter(entry -> entry.getKey() != except)
                .map(entry -> value(entry.getValue()) + " as " + entry.getKey().text()).collect(Collectors.joining(", "));
    }

    private static String value(double perplexity) {
        return String.format(Locale.ROOT, perplexity < 100 ? "%.1f" : "%.0f", perplexity);
    }
}
