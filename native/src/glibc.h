/*
 * Functions that newer versions of glibc renamed or moved, by the version that all of them have: a library that is built
 * here runs with glibc 2.28 too (test/glibc_versions.cmake). BN_GLIBC_FIRST(log); stands in the file that calls log.
 */
#ifndef BN_GLIBC_H
#define BN_GLIBC_H

#include <stdlib.h>

#if defined(__GLIBC__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define BN_GLIBC_FIRST(function) __asm__(".symver " #function "," #function "@GLIBC_2.2.5")
#elif defined(__GLIBC__) && defined(__aarch64__)
#define BN_GLIBC_FIRST(function) __asm__(".symver " #function "," #function "@GLIBC_2.17")
#else
#define BN_GLIBC_FIRST(function) _Static_assert(1, "any version")
#endif

#endif
