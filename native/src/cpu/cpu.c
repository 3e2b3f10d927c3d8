/*
 * Feature detection. x86-64: CPUID leaves 1 and 7, and XCR0 for what the operating system saves on a context switch.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID; volume 1, 13.1 and 14.3.
 * aarch64: Linux says in the auxiliary vector what the CPU has and it saves (Documentation/arch/arm64/elf_hwcaps.rst).
 */
#include "cpu.h"

#include <string.h>

#include "bitnet.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static uint64_t xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

/* Linux saves tiles only for a process that has asked for them (Documentation/arch/x86/xstate.rst). */
static int tiles_granted(void)
{
#if defined(__linux__)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return 0;
#endif
}

static uint64_t bit(uint32_t value, int position, bn_feature feature)
{
    return (uint64_t)((value >> position) & 1) << feature;
}

static uint64_t detect(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    uint64_t found = bit(c, 9, BN_FEATURE_SSSE3);
    const uint32_t osxsave_and_avx = (1u << 27) | (1u << 28);
    if ((c & osxsave_and_avx) != osxsave_and_avx) return found;
    const uint64_t saved = xcr0();
    const uint64_t ymm = 0x06, zmm = 0xE6, tiles = 0x60000;
    if ((saved & ymm) != ymm) return found;
    found |= bit(c, 12, BN_FEATURE_FMA) | bit(c, 29, BN_FEATURE_F16C);

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    const uint32_t last_subleaf = a;
    found |= bit(b, 5, BN_FEATURE_AVX2);
    if ((saved & zmm) == zmm)
        found |= bit(b, 16, BN_FEATURE_AVX512F) | bit(b, 30, BN_FEATURE_AVX512BW) | bit(b, 17, BN_FEATURE_AVX512DQ) |
                 bit(b, 31, BN_FEATURE_AVX512VL) | bit(c, 11, BN_FEATURE_AVX512VNNI) |
                 bit(c, 1, BN_FEATURE_AVX512VBMI) | bit(d, 23, BN_FEATURE_AVX512FP16);
    const uint32_t amx_tile_and_int8 = (1u << 24) | (1u << 25);
    if ((saved & tiles) == tiles && (d & amx_tile_and_int8) == amx_tile_and_int8 && tiles_granted())
        found |= BN_FEATURE_BIT(AMXTILE) | BN_FEATURE_BIT(AMXINT8);

    if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        found |= bit(a, 4, BN_FEATURE_AVXVNNI);
        if ((saved & zmm) == zmm) found |= bit(a, 5, BN_FEATURE_AVX512BF16);
    }
    return found;
}
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static uint64_t detect(void)
{
    const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    uint64_t found = 0;
    if (first & HWCAP_ASIMD) found |= BN_FEATURE_BIT(NEON);
    if (first & HWCAP_ASIMDDP) found |= BN_FEATURE_BIT(DOTPROD);
    if (first & HWCAP_SVE) found |= BN_FEATURE_BIT(SVE);
    if (second & HWCAP2_I8MM) found |= BN_FEATURE_BIT(I8MM);
    return found;
}
#elif defined(__aarch64__)
/* What every aarch64 has. */
static uint64_t detect(void)
{
    return BN_FEATURE_BIT(NEON);
}
#else
static uint64_t detect(void)
{
    return 0;
}
#endif

static const char *const FEATURE_NAMES[BN_FEATURE_COUNT] = {
#define BN_FEATURE_NAME(id, name) name,
    BN_FEATURES(BN_FEATURE_NAME)
#undef BN_FEATURE_NAME
};

static const char *const ISA_NAMES[BN_ISA_COUNT] = {
    [BN_ISA_SCALAR] = "scalar",         [BN_ISA_SSSE3] = "ssse3",
    [BN_ISA_AVX2] = "avx2",             [BN_ISA_AVXVNNI] = "avxvnni",
    [BN_ISA_AVX512BW] = "avx512bw",     [BN_ISA_AVX512VNNI] = "avx512vnni",
    [BN_ISA_AVX512VBMI] = "avx512vbmi", [BN_ISA_AMX] = "amx",
    [BN_ISA_NEON] = "neon",             [BN_ISA_DOTPROD] = "dotprod",
    [BN_ISA_SVE] = "sve",               [BN_ISA_I8MM] = "i8mm",
};

uint64_t bn_cpu_features(void)
{
    return detect();
}

const char *bn_cpu_feature_name(int32_t bit)
{
    return bit >= 0 && bit < BN_FEATURE_COUNT ? FEATURE_NAMES[bit] : NULL;
}

const char *bn_isa_name(int32_t isa)
{
    return isa >= 0 && isa < BN_ISA_COUNT ? ISA_NAMES[isa] : NULL;
}

int32_t bn_isa_from_name(const char *name)
{
    if (name == NULL) return -2;
    if (strcmp(name, "auto") == 0) return BN_ISA_AUTO;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++)
        if (strcmp(name, ISA_NAMES[isa]) == 0) return isa;
    return -2;
}

uint64_t bn_isa_required_features(int32_t isa)
{
    switch (isa) {
    case BN_ISA_SCALAR:
        return 0;
#if defined(BN_HAVE_SSSE3)
    case BN_ISA_SSSE3:
        return BN_FEATURE_BIT(SSSE3);
    case BN_ISA_AVX2:
        return BN_FEATURE_BIT(SSSE3) | BN_FEATURE_BIT(AVX2) | BN_FEATURE_BIT(FMA) | BN_FEATURE_BIT(F16C);
    case BN_ISA_AVXVNNI:
        return bn_isa_required_features(BN_ISA_AVX2) | BN_FEATURE_BIT(AVXVNNI);
    case BN_ISA_AVX512BW:
        return bn_isa_required_features(BN_ISA_AVX2) | BN_FEATURE_BIT(AVX512F) | BN_FEATURE_BIT(AVX512BW) |
               BN_FEATURE_BIT(AVX512DQ) | BN_FEATURE_BIT(AVX512VL);
    case BN_ISA_AVX512VNNI:
        return bn_isa_required_features(BN_ISA_AVX512BW) | BN_FEATURE_BIT(AVX512VNNI);
    case BN_ISA_AVX512VBMI:
        return bn_isa_required_features(BN_ISA_AVX512VNNI) | BN_FEATURE_BIT(AVX512VBMI);
#endif
#if defined(BN_HAVE_AMX)
    case BN_ISA_AMX:
        return bn_isa_required_features(BN_ISA_AVX512VBMI) | BN_FEATURE_BIT(AMXTILE) | BN_FEATURE_BIT(AMXINT8);
#endif
#if defined(BN_HAVE_NEON)
    case BN_ISA_NEON:
        return BN_FEATURE_BIT(NEON);
    case BN_ISA_DOTPROD:
        return BN_FEATURE_BIT(NEON) | BN_FEATURE_BIT(DOTPROD);
    case BN_ISA_SVE:
        return BN_FEATURE_BIT(NEON) | BN_FEATURE_BIT(SVE);
    case BN_ISA_I8MM:
        return BN_FEATURE_BIT(NEON) | BN_FEATURE_BIT(DOTPROD) | BN_FEATURE_BIT(I8MM);
#endif
    default:
        return ~UINT64_C(0);
    }
}

int bn_isa_supported(int32_t isa)
{
    const uint64_t needed = bn_isa_required_features(isa);
    return (bn_cpu_features() & needed) == needed;
}

int32_t bn_isa_automatic(int32_t isa)
{
    return isa != BN_ISA_AMX;
}
