// A time series: a ring of slots, each a 64-bit timestamp and a value.
#ifndef BOARDMAPS_CORE_SERIES_H
#define BOARDMAPS_CORE_SERIES_H

#include "queue.h"

enum { GONE = 15 }; // word of the header: number of the oldest sample, how many were overwritten
enum { SAMPLE_NUMBERS = (1 << 30) - 1 }; // a board's small ints; numbers of samples are compared modulo this

// Write a sample behind the newest one, in a full series over the oldest. The value's size is right.
static inline void bm_series_push(uint32_t *h, uint32_t low, uint32_t high, const void *value) {
    bool full = h[COUNT] == h[MAX_ENTRIES];
    uint8_t *slot = bm_queue_slot(h, full ? 0 : h[COUNT]);
    bm_begin(h);
    if (full) {
        bm_queue_drop_first(h);
        ++h[GONE];
    } else if (++h[COUNT] > h[PEAK]) {
        h[PEAK] = h[COUNT];
    }
    memcpy(slot, &low, 4);
    memcpy(slot + 4, &high, 4);
    memcpy(slot + 8, value, h[VALUE_SIZE]);
    bm_end(h);
}

// Copy timestamp and value of the sample with this number to `out`; false when it is not there (any more).
static inline bool bm_series_get(uint32_t *h, uint32_t number, void *out) {
    uint32_t i = (number - h[GONE]) & SAMPLE_NUMBERS;
    if (i >= h[COUNT]) {
        return false;
    }
    memcpy(out, bm_queue_slot(h, i), h[VALUE_SIZE] + 8);
    return true;
}

#endif
