/* The table of kernels as data, and the choice of a row. */
#include "kernels.h"

#include "cpu/cpu.h"

#define BN_FUNCTION_SCALAR(function) ((bn_kernel_fn)function)
#if defined(BN_HAVE_SSSE3)
#define BN_FUNCTION_SSSE3(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_AVX2(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_AVXVNNI(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_AVX512BW(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_AVX512VNNI(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_AVX512VBMI(function) ((bn_kernel_fn)function)
#else
#define BN_FUNCTION_SSSE3(function) NULL
#define BN_FUNCTION_AVX2(function) NULL
#define BN_FUNCTION_AVXVNNI(function) NULL
#define BN_FUNCTION_AVX512BW(function) NULL
#define BN_FUNCTION_AVX512VNNI(function) NULL
#define BN_FUNCTION_AVX512VBMI(function) NULL
#endif
#if defined(BN_HAVE_AMX)
#define BN_FUNCTION_AMX(function) ((bn_kernel_fn)function)
#else
#define BN_FUNCTION_AMX(function) NULL
#endif
#if defined(BN_HAVE_NEON)
#define BN_FUNCTION_NEON(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_DOTPROD(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_SVE(function) ((bn_kernel_fn)function)
#define BN_FUNCTION_I8MM(function) ((bn_kernel_fn)function)
#else
#define BN_FUNCTION_NEON(function) NULL
#define BN_FUNCTION_DOTPROD(function) NULL
#define BN_FUNCTION_SVE(function) NULL
#define BN_FUNCTION_I8MM(function) NULL
#endif

static const bn_kernel TABLE[] = {
#define BN_KERNEL_ROW(operation, format, isa, function) \
    {BN_OPERATION_##operation, BN_FORMAT_##format, BN_ISA_##isa, #function, BN_FUNCTION_##isa(function)},
    BN_KERNELS(BN_KERNEL_ROW)
#undef BN_KERNEL_ROW
};

enum { TABLE_ROWS = sizeof TABLE / sizeof TABLE[0] };

static const char *const OPERATION_NAMES[BN_OPERATION_COUNT] = {
#define BN_OPERATION_NAME(id, name, type) name,
    BN_OPERATIONS(BN_OPERATION_NAME)
#undef BN_OPERATION_NAME
};

static const char *const FORMAT_NAMES[BN_FORMAT_COUNT] = {
#define BN_FORMAT_NAME(id, name) name,
    BN_FORMATS(BN_FORMAT_NAME)
#undef BN_FORMAT_NAME
};

const bn_kernel *bn_kernel_at(int32_t i)
{
    return &TABLE[i];
}

int32_t bn_kernel_select(bn_operation operation, bn_format format, int32_t isa)
{
    int32_t best = -1;
    for (int32_t i = 0; i < TABLE_ROWS; i++) {
        const bn_kernel *row = &TABLE[i];
        if (row->operation != operation || row->format != format || row->isa > (bn_isa)isa) continue;
        if (!bn_isa_supported(row->isa)) continue;
        if (best < 0 || row->isa > TABLE[best].isa) best = i;
    }
    return best;
}

int32_t bn_kernel_count(void)
{
    return TABLE_ROWS;
}

bn_status bn_kernel_describe(int32_t i, bn_kernel_info *out)
{
    if (i < 0 || i >= TABLE_ROWS || out == NULL) return BN_ERROR_ARGUMENT;
    out->operation = OPERATION_NAMES[TABLE[i].operation];
    out->format = FORMAT_NAMES[TABLE[i].format];
    out->isa = bn_isa_name(TABLE[i].isa);
    out->name = TABLE[i].name;
    return BN_OK;
}
