package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Architecture.Norm;
import java.util.List;

/** What the tensors of a layer's norms are called in checkpoints, without {@code .weight}. */
final class NormNames {
    private NormNames() {}

    /** The name, or the names of which a checkpoint has one. */
    static List<String> of(Architecture architecture, Norm norm) {
        boolean ofInputs = architecture.has(Norm.QUERY);
        return switch (norm) {
            case ATTENTION -> List.of("input_layernorm");
            case QUERY -> List.of("self_attn.q_proj.norm");
            case KEY -> List.of("self_attn.k_proj.norm");
            case VALUE -> List.of("self_attn.v_proj.norm");
            case QUERY_HEAD -> List.of("self_attn.q_norm");
            case KEY_HEAD -> List.of("self_attn.k_norm");
            case ATTENTION_OUTPUT -> ofInputs ? List.of("self_attn.o_proj.norm")
                    : List.of("self_attn.attn_sub_norm", "self_attn.inner_attn_ln");
            case AFTER_ATTENTION -> List.of("post_attention_layernorm");
            // What Llama and Qwen call "after attention" is before the feed-forward layer, as there is none after attention.
            case FEED_FORWARD -> List.of(architecture.has(Norm.AFTER_ATTENTION) ? "pre_feedforward_layernorm"
                    : "post_attention_layernorm");
            case GATE -> List.of("mlp.gate_proj.norm");
            case UP -> List.of("mlp.up_proj.norm");
            case FEED_FORWARD_OUTPUT -> ofInputs ? List.of("mlp.down_proj.norm")
                    : List.of("mlp.ffn_sub_norm", "mlp.ffn_layernorm");
            case AFTER_FEED_FORWARD -> List.of("post_feedforward_layernorm");
        };
    }

    /** Whether it belongs to one linear, as that of its input. */
    static boolean isOfLinear(Architecture architecture, Norm norm) {
        return of(architecture, norm).getFirst().endsWith("_proj.norm");
    }
}
