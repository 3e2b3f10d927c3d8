package io.github.bitnet4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Records as JSON documents: names in snake_case, arrays of numbers on one line. Loaded only where JSON is wanted. */
final class Json {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .defaultPrettyPrinter(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")))
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .build();

    private Json() {}

    /** @throws BitNetException if the file cannot be read or holds no JSON */
    static JsonNode read(Path file) {
        try {
            JsonNode document = MAPPER.readTree(Files.readAllBytes(file));
            return document == null ? MAPPER.missingNode() : document;
        } catch (JsonProcessingException e) {
            throw new BitNetException(file + " holds no JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The record that {@link #print} wrote. */
    static <T> T as(Path file, JsonNode document, Class<T> type) {
        try {
            return MAPPER.treeToValue(document, type);
        } catch (JsonProcessingException e) {
            throw new BitNetException(file + " was written by another version of bitnet4j: " + e.getOriginalMessage(), e);
        }
    }

    /** On one line. */
    static void printLine(Output out, Object document) {
        try {
            out.println(MAPPER.writer().without(SerializationFeature.INDENT_OUTPUT).writeValueAsString(document)).flush();
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void print(Output out, Object document) {
        try {
            MAPPER.writeValue(out.asStream(), document);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println("").flush();
    }
}
