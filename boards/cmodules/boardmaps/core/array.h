// An array: values in a row, reached by an index.
#ifndef BOARDMAPS_CORE_ARRAY_H
#define BOARDMAPS_CORE_ARRAY_H

#include "slice.h"

// The index that 4 bytes stand for.
static inline uint32_t bm_array_index(const uint8_t *key) {
    return key[0] | key[1] << 8 | key[2] << 16 | (uint32_t)key[3] << 24;
}

// Where the value at an index is; NULL out of range.
static inline uint8_t *bm_array_find(uint32_t *h, uint32_t i) {
    return i < h[MAX_ENTRIES] ? bm_at(h, h[ENTRIES] + i * h[STRIDE]) : NULL;
}

// Do `what` (ANY, LOOKUP, or DELETE, which sets the value to zero and takes no `value`) with the value at an index.
static inline int bm_array_op(uint32_t *h, uint32_t i, void *value, size_t n, int what) {
    if (what != DELETE && n != h[VALUE_SIZE]) {
        return WRONG_SIZE;
    }
    uint8_t *entry = bm_array_find(h, i);
    if (!entry) {
        return MISS;
    }
    if (what == LOOKUP) {
        memcpy(value, entry, n);
        return DONE;
    }
    bm_begin(h);
    if (what == DELETE) {
        memset(entry, 0, h[VALUE_SIZE]);
    } else {
        memcpy(entry, value, n);
    }
    bm_end(h);
    return DONE;
}

#endif
