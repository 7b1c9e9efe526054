// A Bloom filter: bits that are set, as many for a value as there are hash functions.
#ifndef BOARDMAPS_CORE_BLOOM_H
#define BOARDMAPS_CORE_BLOOM_H

#include "hash.h"

enum { FUNCTIONS = 15 }; // word of the header

// The two numbers from which a value's bits are made; below 2^30, so that all boards agree.
typedef struct {
    uint32_t x, y;
} bm_bloom_t;

static inline bm_bloom_t bm_bloom_hash(uint32_t *h, const uint8_t *value) {
    bm_bloom_t b = { h[SEED], h[MULTIPLIER] };
    uint32_t by = h[MULTIPLIER], n = h[VALUE_SIZE];
    for (uint32_t i = 0; i < n; i += 2) {
        b.x = ((b.x ^ (value[i] | (i + 1 < n ? value[i + 1] << 8 : 0))) * by) & 0x3FFFFFFF;
        b.x ^= b.x >> 15;
        b.y = ((b.y + b.x) * by) & 0x3FFFFFFF;
        b.y ^= b.y >> 15;
    }
    return b;
}

static inline uint32_t bm_bloom_bit(uint32_t *h, bm_bloom_t *b) {
    b->x = ((b->x ^ b->y) * h[MULTIPLIER]) & 0x3FFFFFFF;
    b->x ^= b->x >> 15;
    return b->x & h[MASK];
}

// Set a value's bits. Its size is right.
static inline void bm_bloom_push(uint32_t *h, const uint8_t *value) {
    bm_bloom_t b = bm_bloom_hash(h, value);
    uint8_t *bits = bm_at(h, h[ENTRIES]);
    bool fresh = false;
    bm_begin(h);
    for (uint32_t i = h[FUNCTIONS]; i; --i) {
        uint32_t bit = bm_bloom_bit(h, &b);
        fresh |= !(bits[bit >> 3] >> (bit & 7) & 1);
        bits[bit >> 3] |= 1 << (bit & 7);
    }
    if (fresh && ++h[COUNT] > h[PEAK]) {
        h[PEAK] = h[COUNT];
    }
    bm_end(h);
}

// Whether all of a value's bits are set.
static inline bool bm_bloom_peek(uint32_t *h, const uint8_t *value) {
    bm_bloom_t b = bm_bloom_hash(h, value);
    const uint8_t *bits = bm_at(h, h[ENTRIES]);
    for (uint32_t i = h[FUNCTIONS]; i; --i) {
        uint32_t bit = bm_bloom_bit(h, &b);
        if (!(bits[bit >> 3] >> (bit & 7) & 1)) {
            return false;
        }
    }
    return true;
}

static inline void bm_bloom_clear(uint32_t *h) {
    bm_begin(h);
    memset(bm_at(h, h[ENTRIES]), 0, (h[MASK] >> 3) + 1);
    h[COUNT] = 0;
    bm_end(h);
}

#endif
