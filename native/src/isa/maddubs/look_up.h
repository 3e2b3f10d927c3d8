/*
 * Look-ups with SSSE3 and AVX2: vpshufb gives, for 16 indices in each 128-bit part of a register, the low or the high bytes
 * of 16 entries of a table; interleaved they are int16 sums, in `low` those of the first 8 bytes of each part, in `high` of
 * the other 8. Units of TL1 and TL2 are cut into pieces of 16 bytes, one or two of which are a register.
 */
#ifndef BN_MADDUBS_LOOK_UP_H
#define BN_MADDUBS_LOOK_UP_H

#include "registers.h"

enum { BN_PIECES = BN_VECTOR / 4 /* of a register */ };

typedef struct table {
    bn_bytes low, high;
} table;

typedef struct sums {
    bn_words low, high;
} sums;

/* Sixteen bytes for the first piece of a register, sixteen for the other if there is one. */
BN_INLINE bn_bytes two_pieces(const uint8_t *first, const uint8_t *other)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)first);
#if BN_VECTOR == 8
    return (bn_bytes)_mm256_set_m128i(_mm_loadu_si128((const __m128i *)other), x);
#else
    (void)other;
    return (bn_bytes)x;
#endif
}

/* One table for the first piece, one for the other. */
BN_INLINE table tables_of(const uint8_t *first, const uint8_t *other)
{
    return (table){two_pieces(first, other), two_pieces(first + BN_TABLE_HIGH, other + BN_TABLE_HIGH)};
}

BN_INLINE sums look_up(table t, bn_bytes indices)
{
    const bn_register low = (bn_register)bn_look_up(t.low, indices), high = (bn_register)bn_look_up(t.high, indices);
    return (sums){(bn_words)BN_MM(unpacklo_epi8)(low, high), (bn_words)BN_MM(unpackhi_epi8)(low, high)};
}

BN_INLINE sums add_sums(sums a, sums b)
{
    return (sums){a.low + b.low, a.high + b.high};
}

BN_INLINE bn_bytes high_nibbles(bn_bytes w)
{
    return (bn_bytes)((bn_unsigned_words)w >> 4) & 15;
}

BN_INLINE bn_bytes low_nibbles(bn_bytes w)
{
    return w & 15;
}

/* Bytes of two indices each. */
BN_INLINE sums add_two(sums s, bn_bytes w, table of_high, table of_low)
{
    return add_sums(s, add_sums(look_up(of_high, high_nibbles(w)), look_up(of_low, low_nibbles(w))));
}

/* Words of piece p of neighbouring pieces, whose register is x. */
BN_INLINE __m128i piece(bn_words x, size_t p)
{
    return p % BN_PIECES == 0 ? BN_PART(x, 0) : BN_PART(x, 1);
}

/* One table of 16 int16, as low bytes and high bytes. */
typedef int16_t bn_entries __attribute__((vector_size(2 * 16)));
typedef uint8_t bn_entry_bytes __attribute__((vector_size(16)));

BN_INLINE void store_table(uint8_t *restrict to, bn_entries entries)
{
    const bn_entry_bytes low = __builtin_convertvector(entries, bn_entry_bytes);
    const bn_entry_bytes high = __builtin_convertvector(entries >> 8, bn_entry_bytes);
    memcpy(to, &low, sizeof low);
    memcpy(to + BN_TABLE_HIGH, &high, sizeof high);
}

#endif
