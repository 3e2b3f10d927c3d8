/*
 * kernel_check                       checks every kernel that this CPU can run
 * kernel_check --bench               times them; --shape ROWSxCOLS, --n N, --threads T, --seconds S
 * kernel_check [--bench] FILTER...   only kernels whose name contains one of the words
 *
 * Exit status 0 when every kernel that could run agreed with scalar.
 */
#include "kernel_check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "trial/trial.h"

enum { MOST_FAILURES = 10 };

static const check_function CHECKS[BN_OPERATION_COUNT] = {
    [BN_OPERATION_GEMV] = check_gemv,
    [BN_OPERATION_GEMV_ROWS] = check_gemv_rows,
    [BN_OPERATION_GEMM] = check_gemm,
    [BN_OPERATION_UNPACK] = check_unpack,
    [BN_OPERATION_PACK_WEIGHTS] = check_pack_weights,
    [BN_OPERATION_PACK_TOKENS] = check_pack_tokens,
    [BN_OPERATION_GEMM_PACKED] = check_gemm_packed,
    [BN_OPERATION_VERIFY] = check_verify,
    [BN_OPERATION_EPILOGUE] = check_epilogue,
    [BN_OPERATION_TABLES] = check_tables,
    [BN_OPERATION_GEMV_TABLES] = check_gemv_tables,
    [BN_OPERATION_UNPACK_TILES] = check_unpack_tiles,
    [BN_OPERATION_PEAK] = check_peak,
    [BN_OPERATION_RMS_NORM] = check_rms_norm,
    [BN_OPERATION_QUANTIZE] = check_quantize,
    [BN_OPERATION_GLU] = check_glu,
    [BN_OPERATION_MATMUL] = check_matmul,
    [BN_OPERATION_MATMUL_ROWS] = check_matmul_rows,
    [BN_OPERATION_COARSE] = check_coarse,
    [BN_OPERATION_BIT_SUM] = check_bit_sum,
    [BN_OPERATION_COARSE_PACK] = check_coarse_pack,
    [BN_OPERATION_EMBED] = check_embed,
    [BN_OPERATION_ROPE] = check_rope,
    [BN_OPERATION_STORE_KV] = check_store_kv,
    [BN_OPERATION_ATTENTION] = check_attention,
    [BN_OPERATION_ATTENTION_MERGE] = check_attention_merge,
    [BN_OPERATION_ATTENTION_FINISH] = check_attention_finish,
    [BN_OPERATION_ATTENTION_EXACT] = check_attention_exact,
    [BN_OPERATION_SOFTMAX] = check_softmax,
};

/*
 * Twins: the source of one ISA compiled with another encoding of the same instructions, or with a model of them in C, so
 * that a machine without the ISA can check its logic. Its rows are not in the table of the library.
 */
typedef struct twin {
    const char *of;
    bn_isa needs;
    bn_kernel_fn function;
    const char *how;
} twin;

static const char MODEL[] = "ran on a model: same source, tile instructions in C; this CPU has no AMX";

#if defined(BN_HAVE_TWINS)
static const char EVEX[] = "ran as EVEX twin: same source, AVX-512VL encoding; this CPU has no AVX-VNNI";
bn_kernel_GEMV bn_gemv_i2s_avxvnni_twin, bn_gemv_i2r16_avxvnni_twin, bn_gemv_b3r80_avxvnni_twin;
bn_kernel_GEMV_ROWS bn_gemv_rows_i2s_avxvnni_twin;
bn_kernel_GEMM bn_gemm_i2s_avxvnni_twin;
bn_kernel_COARSE bn_coarse_d31r16_avxvnni_twin;
bn_kernel_PEAK bn_peak_int8_avxvnni_twin;
bn_kernel_GEMM_PACKED bn_gemm_packed_amx_model;
static const twin TWINS[] = {
    {"bn_gemv_i2s_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_gemv_i2s_avxvnni_twin, EVEX},
    {"bn_gemv_rows_i2s_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_gemv_rows_i2s_avxvnni_twin, EVEX},
    {"bn_gemm_i2s_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_gemm_i2s_avxvnni_twin, EVEX},
    {"bn_gemv_i2r16_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_gemv_i2r16_avxvnni_twin, EVEX},
    {"bn_gemv_b3r80_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_gemv_b3r80_avxvnni_twin, EVEX},
    {"bn_coarse_d31r16_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_coarse_d31r16_avxvnni_twin, EVEX},
    {"bn_peak_int8_avxvnni", BN_ISA_AVX512VNNI, (bn_kernel_fn)bn_peak_int8_avxvnni_twin, EVEX},
    {"bn_gemm_packed_amx", BN_ISA_AVX512BW, (bn_kernel_fn)bn_gemm_packed_amx_model, MODEL},
};
enum { TWIN_COUNT = sizeof TWINS / sizeof TWINS[0] };
#else
static const twin *const TWINS = NULL;
enum { TWIN_COUNT = 0 };
#endif

/* ---- descriptions and failures ---- */

static char description[256];
static int failures;

void check_describe(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(description, sizeof description, format, arguments);
    va_end(arguments);
}

void check_failed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  FAILED %s: ", description);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    if (++failures >= MOST_FAILURES) {
        printf("  that is enough\n");
        exit(1);
    }
}

static void touched_a_guard_page(int signal)
{
    static const char text[] = "\n  FAILED, touched memory outside its buffers (or an illegal instruction): ";
    (void)signal;
    int64_t ignored = write(STDOUT_FILENO, text, (unsigned)sizeof text - 1);
    ignored += write(STDOUT_FILENO, description, (unsigned)strlen(description));
    ignored += write(STDOUT_FILENO, "\n", 1);
    (void)ignored;
    _exit(1);
}

uint64_t check_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* ---- the loop over the table ---- */

static int wanted(const char *name, int words, char **word)
{
    if (words == 0) return 1;
    for (int i = 0; i < words; i++)
        if (strstr(name, word[i]) != NULL) return 1;
    return 0;
}

/* The kernel itself, or its twin, or a row without a function: what this CPU can run. *how says which. No model is timed. */
static bn_kernel runnable(const bn_kernel *row, int timed, const char **how)
{
    bn_kernel kernel = *row;
    *how = "ran";
    if (bn_isa_supported(row->isa)) return kernel;
    kernel.function = NULL;
    for (int i = 0; i < TWIN_COUNT; i++) {
        if (strcmp(TWINS[i].of, row->name) != 0 || !bn_isa_supported(TWINS[i].needs)) continue;
        if (timed && TWINS[i].how == MODEL) continue;
        kernel.function = TWINS[i].function;
        *how = TWINS[i].how;
        return kernel;
    }
    *how = "UNTESTED: this CPU or this build lacks the ISA";
    return kernel;
}

static void run_row(const bn_kernel *row, const bench_options *bench)
{
    const char *how;
    const bn_kernel kernel = runnable(row, bench != NULL, &how);
    if (CHECKS[row->operation] == NULL || bn_trial_of(row->operation) == NULL) {
        check_describe("%s", row->name);
        check_failed("no check or no trial is written for its operation");
    } else if (kernel.function == NULL) {
        printf("%-28s %s\n", row->name, how);
    } else if (bench != NULL) {
        bench_kernel(&kernel, bench);
    } else {
        const int before = failures;
        check_describe("%s", row->name);
        CHECKS[row->operation](&kernel);
        printf("%-28s %s, %s\n", row->name, how, failures == before ? "agrees with scalar" : "WRONG");
    }
    fflush(stdout);
}

static int usage(void)
{
    fprintf(stderr, "usage: kernel_check [--bench [--shape ROWSxCOLS] [--n N] [--threads T] [--seconds S]] [NAME]...\n");
    return 2;
}

int main(int argc, char **argv)
{
    bench_options options = {.threads = 1, .seconds = 0.5};
    int bench = 0, i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        long long rows, cols;
        if (strcmp(argv[i], "--bench") == 0) {
            bench = 1;
            continue;
        }
        if (i + 1 == argc) return usage();
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--shape") == 0 && sscanf(value, "%lldx%lld", &rows, &cols) == 2) {
            options.rows = rows;
            options.cols = cols;
        } else if (strcmp(argv[i], "--n") == 0) {
            options.n = atoll(value);
        } else if (strcmp(argv[i], "--threads") == 0) {
            options.threads = atoi(value);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            options.seconds = atof(value);
        } else {
            return usage();
        }
        i++;
    }
    if (options.rows < 0 || options.cols < 0 || options.n < 0 || options.threads < 1) return usage();
    signal(SIGSEGV, touched_a_guard_page);
#if defined(SIGBUS)
    signal(SIGBUS, touched_a_guard_page);
#endif
    signal(SIGILL, touched_a_guard_page);
    for (int32_t k = 0; k < bn_kernel_count(); k++)
        if (wanted(bn_kernel_at(k)->name, argc - i, argv + i)) run_row(bn_kernel_at(k), bench ? &options : NULL);
    return failures == 0 ? 0 : 1;
}
