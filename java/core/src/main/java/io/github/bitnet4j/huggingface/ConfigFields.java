package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import java.nio.file.Path;

/** The keys of a JSON object in {@code config.json}, with errors that name them. */
record ConfigFields(JsonNode json, Path file) {
    int count(String key) {
        require(key);
        return count(key, 0);
    }

    int count(String key, int otherwise) {
        JsonNode value = json.path(key).isNull() ? json.path("") : json.path(key);
        long count = value.asLong(otherwise);
        if (count < 1 || count > 1 << 24) {
            throw bad(key + " is " + json.path(key) + ", not a number from 1 to " + (1 << 24));
        }
        return (int) count;
    }

    double number(String key) {
        require(key);
        return number(key, 0);
    }

    double number(String key, double otherwise) {
        double value = json.path(key).asDouble(otherwise);
        if (!(value > 0) || Double.isInfinite(value)) {
            throw bad(key + " is " + json.path(key) + ", not a positive number");
        }
        return value;
    }

    String text(String key, String otherwise) {
        return json.path(key).asText(otherwise);
    }

    boolean flag(String key) {
        return json.path(key).asBoolean(false);
    }

    ConfigFields require(String... keys) {
        for (String key : keys) {
            if (!json.has(key)) {
                throw bad(key + " is missing");
            }
        }
        return this;
    }

    /** An object within, or an empty one. */
    ConfigFields inner(String key) {
        return new ConfigFields(json.path(key), file);
    }

    boolean isObject() {
        return json.isObject();
    }

    BitNetException bad(String problem) {
        return new BitNetException(file + ": " + problem);
    }
}
