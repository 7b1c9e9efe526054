// Queue and stack: a ring of slots.
#ifndef BOARDMAPS_CORE_QUEUE_H
#define BOARDMAPS_CORE_QUEUE_H

#include "slice.h"

enum { FIRST = 8 }; // word of the header: index of the slot that holds the oldest value
enum { STACK = 23 }; // the map type

static inline uint8_t *bm_queue_slot(uint32_t *h, uint32_t behind_first) {
    uint32_t slot = h[FIRST] + behind_first;
    if (slot >= h[MAX_ENTRIES]) {
        slot -= h[MAX_ENTRIES];
    }
    return bm_at(h, h[ENTRIES] + slot * h[STRIDE]);
}

static inline void bm_queue_drop_first(uint32_t *h) {
    if (++h[FIRST] == h[MAX_ENTRIES]) {
        h[FIRST] = 0;
    }
}

// Copy a value behind the newest one; in a full map over the oldest one, if `over`.
static inline int bm_queue_put(uint32_t *h, const void *value, size_t n, bool over) {
    if (n != h[VALUE_SIZE]) {
        return WRONG_SIZE;
    }
    bool full = h[COUNT] == h[MAX_ENTRIES];
    if (full && !over) {
        return FULL;
    }
    uint8_t *slot = bm_queue_slot(h, full ? 0 : h[COUNT]);
    bm_begin(h);
    if (full) {
        bm_queue_drop_first(h);
    } else if (++h[COUNT] > h[PEAK]) {
        h[PEAK] = h[COUNT];
    }
    memcpy(slot, value, n);
    bm_end(h);
    return 0;
}

// Copy the next value into `out`, whose size is right, and remove it or leave it; false when there is none.
static inline bool bm_queue_take(uint32_t *h, void *out, bool remove) {
    if (!h[COUNT]) {
        return false;
    }
    bool newest = h[MAP_TYPE] == STACK;
    memcpy(out, bm_queue_slot(h, newest ? h[COUNT] - 1 : 0), h[VALUE_SIZE]);
    if (remove) {
        bm_begin(h);
        --h[COUNT];
        if (!newest) {
            bm_queue_drop_first(h);
        }
        bm_end(h);
    }
    return true;
}

static inline void bm_queue_empty(uint32_t *h) {
    bm_begin(h);
    h[COUNT] = h[FIRST] = 0;
    bm_end(h);
}

#endif
