package io.github.bitnet4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.github.bitnet4j.BitNetException;
import java.io.IOException;

/** A file with a JSON string on each line. */
final class JsonLines {
    private final JsonFactory factory = new JsonFactory();
    private final String file;
    private long line;

    JsonLines(String file) {
        this.file = PromptInput.nameOf(file);
    }

    /** Steps to the next line, and names it for messages. */
    String next() {
        line++;
        return where();
    }

    private String where() {
        return file + ", line " + line;
    }

    /** The string that is all of a line. */
    String text(String json) throws IOException {
        try (JsonParser parser = factory.createParser(json)) {
            if (parser.nextToken() == JsonToken.VALUE_STRING) {
                String text = parser.getText();
                if (parser.nextToken() == null) {
                    return text;
                }
            }
        } catch (JsonProcessingException e) {
            throw notText(e);
        }
        throw notText(null);
    }

    private BitNetException notText(Throwable cause) {
        return new BitNetException(where() + " is not a JSON string; each line holds one, such as \"To be\"", cause);
    }

    /** The text as a JSON string. */
    String quote(String text) {
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
    }
}
