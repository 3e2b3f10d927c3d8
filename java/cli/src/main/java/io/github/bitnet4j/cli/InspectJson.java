package io.github.bitnet4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.model.I2sOrder;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Map;
import java.util.Optional;

/** A whole GGUF header as one JSON document, written as it is read: vocabularies are long. */
final class InspectJson {
    private final JsonGenerator json;

    private InspectJson(JsonGenerator json) {
        this.json = json;
    }

    /**
     * @param obstacle why the model cannot run; empty if it can
     * @param order    of its I2_S weights, if that was asked for
     */
    static void print(Output out, GgufFile gguf, Optional<String> obstacle, Optional<I2sOrderTrial> order) throws IOException {
        try (JsonGenerator json = new JsonFactory().createGenerator(out.asStream())) {
            new InspectJson(json.useDefaultPrettyPrinter()).write(gguf, obstacle, order);
        }
        out.println("").flush();
    }

    private void write(GgufFile gguf, Optional<String> obstacle, Optional<I2sOrderTrial> order) throws IOException {
        json.writeStartObject();
        json.writeStringField("file", gguf.path().toString());
        json.writeNumberField("bytes", gguf.size());
        json.writeNumberField("version", gguf.version());
        json.writeNumberField("alignment", gguf.alignment());
        json.writeBooleanField("runs", obstacle.isEmpty());
        json.writeStringField("reason", obstacle.orElse(""));
        if (order.isPresent()) {
            write(order.get());
        }
        json.writeObjectFieldStart("metadata");
        for (Map.Entry<String, GgufValue> pair : gguf.metadata().asMap().entrySet()) {
            json.writeObjectFieldStart(pair.getKey());
            json.writeStringField("type", MetadataText.type(pair.getValue()));
            json.writeFieldName("value");
            write(pair.getValue());
            json.writeEndObject();
        }
        json.writeEndObject();
        json.writeArrayFieldStart("tensors");
        for (GgufTensor tensor : gguf.tensors()) {
            write(tensor);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void write(I2sOrderTrial order) throws IOException {
        json.writeObjectFieldStart("i2s_order");
        json.writeStringField("order", order.order().map(I2sOrder::text).orElse(""));
        json.writeObjectFieldStart("perplexity");
        for (Map.Entry<I2sOrder, Double> entry : order.perplexities().entrySet()) {
            json.writeNumberField(entry.getKey().text(), entry.getValue());
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    private void write(GgufTensor tensor) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", tensor.name());
        json.writeStringField("type", InspectCommand.type(tensor));
        json.writeNumberField("type_id", Integer.toUnsignedLong(tensor.typeId()));
        json.writeFieldName("dims");
        json.writeArray(tensor.dims(), 0, tensor.rank());
        json.writeNumberField("offset", tensor.offset());
        if (tensor.hasData()) {
            json.writeNumberField("bytes", tensor.byteSize());
        } else {
            json.writeNullField("bytes");
        }
        json.writeEndObject();
    }

    private void write(GgufValue value) throws IOException {
        switch (value) {
            case GgufValue.Int integer when integer.type() == GgufType.U64 -> json.writeNumber(new BigInteger(integer.toString()));
            case GgufValue.Int integer -> json.writeNumber(integer.value());
            case GgufValue.Real real when real.type() == GgufType.F32 -> json.writeNumber((float) real.value());
            case GgufValue.Real real -> json.writeNumber(real.value());
            case GgufValue.Bool bool -> json.writeBoolean(bool.value());
            case GgufValue.Text text -> json.writeString(text.value());
            case GgufArray array -> {
                json.writeStartArray();
                for (int i = 0; i < array.length(); i++) {
                    write(array.get(i));
                }
                json.writeEndArray();
            }
        }
    }
}
