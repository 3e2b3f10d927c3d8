/*
 * Prints what this compiler makes of bitnet.h, for the test of the Java bindings to compare with:
 *   struct NAME size alignment
 *   field STRUCT NAME offset size
 *   constant NAME value
 * A struct, field or constant that is missing here is noticed there.
 */
#include "bitnet.h"

#include <stdalign.h>
#include <stdio.h>

#define STRUCT(type) printf("struct %s %zu %zu\n", #type, sizeof(type), alignof(type))
#define FIELD(type, name) printf("field %s %s %zu %zu\n", #type, #name, offsetof(type, name), sizeof(((type *)0)->name))
#define CONSTANT(name) printf("constant %s %d\n", #name, (int)(name))

int main(void) {
    STRUCT(bn_kernel_info);
    FIELD(bn_kernel_info, operation);
    FIELD(bn_kernel_info, format);
    FIELD(bn_kernel_info, isa);
    FIELD(bn_kernel_info, name);

    STRUCT(bn_matrix);
    FIELD(bn_matrix, data);
    FIELD(bn_matrix, rows);
    FIELD(bn_matrix, cols);
    FIELD(bn_matrix, type);
    FIELD(bn_matrix, scale);
    FIELD(bn_matrix, tiles);
    STRUCT(bn_tiles);
    FIELD(bn_tiles, rows);
    FIELD(bn_tiles, cols);
    FIELD(bn_tiles, band);
    FIELD(bn_tiles, reserved);

    STRUCT(bn_quantized);
    FIELD(bn_quantized, q);
    FIELD(bn_quantized, scale);
    FIELD(bn_quantized, sum);
    FIELD(bn_quantized, cols);
    FIELD(bn_quantized, stride);

    STRUCT(bn_product);
    FIELD(bn_product, weight);
    FIELD(bn_product, y);
    FIELD(bn_product, y_stride);
    FIELD(bn_product, accumulate);
    FIELD(bn_product, reserved);
    FIELD(bn_product, gate);

    STRUCT(bn_top);
    FIELD(bn_top, count);
    FIELD(bn_top, ids);
    FIELD(bn_top, id_count);
    FIELD(bn_top, found);
    FIELD(bn_top, values);
    FIELD(bn_top, computed);

    STRUCT(bn_kv_cache);
    FIELD(bn_kv_cache, keys);
    FIELD(bn_kv_cache, values);
    FIELD(bn_kv_cache, capacity);
    FIELD(bn_kv_cache, type);
    FIELD(bn_kv_cache, reserved);

    STRUCT(bn_row);
    FIELD(bn_row, cache);
    FIELD(bn_row, position);

    STRUCT(bn_attention_shape);
    FIELD(bn_attention_shape, heads);
    FIELD(bn_attention_shape, kv_heads);
    FIELD(bn_attention_shape, head_dim);
    FIELD(bn_attention_shape, rope_dim);
    FIELD(bn_attention_shape, rope_style);
    FIELD(bn_attention_shape, layer);
    FIELD(bn_attention_shape, scale);
    FIELD(bn_attention_shape, window);

    STRUCT(bn_crossovers);
    FIELD(bn_crossovers, unpack);
    FIELD(bn_crossovers, unpack_tables);
    FIELD(bn_crossovers, pack);
    STRUCT(bn_work);
    FIELD(bn_work, bytes);
    FIELD(bn_work, multiply_adds);
    FIELD(bn_work, float_multiply_adds);

    STRUCT(bn_trial_shape);
    FIELD(bn_trial_shape, rows);
    FIELD(bn_trial_shape, cols);
    FIELD(bn_trial_shape, n);
    FIELD(bn_trial_shape, density);

    CONSTANT(BN_OK);
    CONSTANT(BN_ERROR_ARGUMENT);
    CONSTANT(BN_ERROR_MEMORY);
    CONSTANT(BN_ERROR_UNSUPPORTED);
    CONSTANT(BN_ERROR_THREAD);
    CONSTANT(BN_ERROR_BUSY);
    CONSTANT(BN_CANCELLED);
    CONSTANT(BN_ERROR_DATA);

    CONSTANT(BN_ISA_AUTO);
    CONSTANT(BN_ISA_SCALAR);
    CONSTANT(BN_ISA_SSSE3);
    CONSTANT(BN_ISA_AVX2);
    CONSTANT(BN_ISA_AVXVNNI);
    CONSTANT(BN_ISA_AVX512BW);
    CONSTANT(BN_ISA_AVX512VNNI);
    CONSTANT(BN_ISA_AVX512VBMI);
    CONSTANT(BN_ISA_AMX);
    CONSTANT(BN_ISA_NEON);
    CONSTANT(BN_ISA_DOTPROD);
    CONSTANT(BN_ISA_SVE);
    CONSTANT(BN_ISA_I8MM);
    CONSTANT(BN_ISA_COUNT);

    CONSTANT(BN_TYPE_F32);
    CONSTANT(BN_TYPE_F16);
    CONSTANT(BN_TYPE_Q4_0);
    CONSTANT(BN_TYPE_Q5_0);
    CONSTANT(BN_TYPE_Q8_0);
    CONSTANT(BN_TYPE_Q4_K);
    CONSTANT(BN_TYPE_Q6_K);
    CONSTANT(BN_TYPE_BF16);
    CONSTANT(BN_TYPE_TQ1_0);
    CONSTANT(BN_TYPE_TQ2_0);
    CONSTANT(BN_TYPE_I2_S);
    CONSTANT(BN_TYPE_TL1);
    CONSTANT(BN_TYPE_TL2);
    CONSTANT(BN_TYPE_I2_S_ROWS4);
    CONSTANT(BN_TYPE_I2_S_64);
    CONSTANT(BN_TYPE_I2_R16);
    CONSTANT(BN_TYPE_I2_C);
    CONSTANT(BN_TYPE_B3_R80);
    CONSTANT(BN_TYPE_D31_R16);

    CONSTANT(BN_ACTIVATION_RELU2);
    CONSTANT(BN_ACTIVATION_SILU);
    CONSTANT(BN_ACTIVATION_GELU);

    CONSTANT(BN_MOST_LOOK_UPS);

    CONSTANT(BN_KV_F16);
    CONSTANT(BN_KV_F32);
    CONSTANT(BN_KV_INT8);

    CONSTANT(BN_ROPE_HALVES);
    CONSTANT(BN_ROPE_INTERLEAVED);

    return 0;
}
