/* What the CPU and the operating system offer, and what each ISA needs of it. */
#ifndef BN_CPU_H
#define BN_CPU_H

#include <stdint.h>

/* Feature bits, in the order of their names. */
#define BN_FEATURES(X)          \
    X(SSSE3, "ssse3")           \
    X(AVX2, "avx2")             \
    X(FMA, "fma")               \
    X(F16C, "f16c")             \
    X(AVXVNNI, "avxvnni")       \
    X(AVX512F, "avx512f")       \
    X(AVX512BW, "avx512bw")     \
    X(AVX512DQ, "avx512dq")     \
    X(AVX512VL, "avx512vl")     \
    X(AVX512VNNI, "avx512vnni") \
    X(AVX512VBMI, "avx512vbmi") \
    X(AVX512BF16, "avx512bf16") \
    X(AVX512FP16, "avx512fp16") \
    X(AMXTILE, "amxtile")       \
    X(AMXINT8, "amxint8")       \
    X(NEON, "neon")             \
    X(DOTPROD, "dotprod")       \
    X(SVE, "sve")               \
    X(I8MM, "i8mm")

typedef enum bn_feature {
#define BN_FEATURE_ENUM(id, name) BN_FEATURE_##id,
    BN_FEATURES(BN_FEATURE_ENUM)
#undef BN_FEATURE_ENUM
        BN_FEATURE_COUNT
} bn_feature;

#define BN_FEATURE_BIT(id) (UINT64_C(1) << BN_FEATURE_##id)

/* Whether this build contains the ISA and the CPU has all that it needs. */
int bn_isa_supported(int32_t isa);

#endif
