// A ring of records of any length. firmware/boardmaps/kernels/plain_ring.py says what a record is.
#ifndef BOARDMAPS_CORE_RING_H
#define BOARDMAPS_CORE_RING_H

#include "slice.h"

enum { SIZE = MAX_ENTRIES, CONSUMER = 8, PRODUCER = 9, DROPPED = 10, NUMBER = 15, LAST = 16 }; // words of the header
enum { RESERVED = 1 << 29, DISCARDED = 1 << 28, LENGTH = DISCARDED - 1 }; // flags beside a record's length, and the length
enum { OVERWRITE = 1 << 19 }; // BPF_F_RB_OVERWRITE

static inline uint32_t bm_ring_taken(uint32_t length) {
    return (length + 15) & ~7u;
}

static inline uint32_t *bm_ring_record(uint32_t *h, uint32_t position) {
    return (uint32_t *)(void *)bm_at(h, h[ENTRIES] + (position & (h[SIZE] - 1)));
}

// Let old records go until `taken` bytes fit, where they may.
static inline bool bm_ring_make_room(uint32_t *h, uint32_t taken) {
    while (h[PRODUCER] - h[CONSUMER] + taken >= h[SIZE]) {
        uint32_t head = *bm_ring_record(h, h[CONSUMER]);
        if (taken >= h[SIZE] || !(h[MAP_FLAGS] & OVERWRITE) || head & RESERVED) {
            return false;
        }
        h[CONSUMER] += bm_ring_taken(head & LENGTH);
        if (!(head & DISCARDED)) {
            --h[COUNT];
            ++h[DROPPED];
        }
    }
    return true;
}

// Reserve a record; NULL, and counted, when there is no room for it. The caller sets the mark.
static inline uint32_t *bm_ring_claim(uint32_t *h, size_t length) {
    uint32_t number = h[NUMBER]++;
    if (length >= h[SIZE] || !bm_ring_make_room(h, bm_ring_taken(length))) {
        ++h[DROPPED];
        return NULL;
    }
    uint32_t *record = bm_ring_record(h, h[PRODUCER]);
    record[0] = length | RESERVED;
    record[1] = number;
    h[PRODUCER] += bm_ring_taken(length);
    if (h[PRODUCER] - h[CONSUMER] > h[PEAK]) {
        h[PEAK] = h[PRODUCER] - h[CONSUMER];
    }
    return record;
}

static inline uint32_t *bm_ring_reserve(uint32_t *h, size_t length) {
    bm_begin(h);
    uint32_t *record = bm_ring_claim(h, length);
    bm_end(h);
    return record;
}

// Copy n bytes of a record's data, which may go on at the ring's start, in or out.
static inline void bm_ring_copy(uint32_t *h, uint32_t *record, void *data, uint32_t n, bool in) {
    uint8_t *ring = bm_at(h, h[ENTRIES]), *at = (uint8_t *)(record + 2);
    uint32_t first = bm_least(n, (uint32_t)(ring + h[SIZE] - at));
    if (n == 0) {
        return; // an empty buffer may have no address
    }
    if (in) {
        bm_copy(at, data, first); // no bytes at the ring's end, nor behind the data's
        bm_copy(ring, (uint8_t *)data + first, n - first);
    } else {
        bm_copy(data, at, first);
        bm_copy((uint8_t *)data + first, ring, n - first);
    }
}

// Fill a record; the caller sets the mark.
static inline void bm_ring_submit(uint32_t *h, uint32_t *record, const void *data) {
    uint32_t n = record[0] & LENGTH;
    bm_ring_copy(h, record, (void *)(uintptr_t)data, n, true);
    record[0] = n;
    ++h[COUNT];
}

static inline bool bm_ring_output(uint32_t *h, const void *data, size_t n) {
    bm_begin(h);
    uint32_t *record = bm_ring_claim(h, n);
    if (record) {
        bm_ring_submit(h, record, data);
    }
    bm_end(h);
    return record != NULL;
}

// The next record, behind those that were discarded; NULL when there is none, or it is still reserved.
static inline uint32_t *bm_ring_next(uint32_t *h) {
    while (h[CONSUMER] != h[PRODUCER]) {
        uint32_t *record = bm_ring_record(h, h[CONSUMER]);
        if (record[0] & RESERVED) {
            return NULL;
        }
        if (!(record[0] & DISCARDED)) {
            return record;
        }
        bm_begin(h);
        h[CONSUMER] += bm_ring_taken(record[0] & LENGTH);
        bm_end(h);
    }
    return NULL;
}

// Take the next record; return its length, -1 when there is none, -2 when it is longer than n, and it stays.
static inline int32_t bm_ring_read(uint32_t *h, void *out, size_t n) {
    uint32_t *record = bm_ring_next(h);
    if (!record) {
        return -1;
    }
    uint32_t length = record[0];
    if (length > n) {
        return -2;
    }
    bm_ring_copy(h, record, out, length, false);
    bm_begin(h);
    h[CONSUMER] += bm_ring_taken(length);
    h[LAST] = record[1];
    --h[COUNT];
    bm_end(h);
    return length;
}

// Copy `data` into the record at this offset in the slice, or mark it as discarded.
static inline void bm_ring_finish(uint32_t *h, uint32_t at, const void *data, bool discard) {
    uint32_t *record = (uint32_t *)(void *)bm_at(h, at);
    bm_begin(h);
    if (discard) {
        record[0] = (record[0] & LENGTH) | DISCARDED;
    } else {
        bm_ring_submit(h, record, data);
    }
    bm_end(h);
}

// Throw away all records; false, and nothing happens, while one is reserved, but by force.
static inline bool bm_ring_clear(uint32_t *h, bool force) {
    uint32_t at = h[CONSUMER];
    while (at != h[PRODUCER]) {
        uint32_t head = *bm_ring_record(h, at);
        if (head & RESERVED && !force) {
            return false;
        }
        at += bm_ring_taken(head & LENGTH);
    }
    bm_begin(h);
    h[CONSUMER] = at;
    h[COUNT] = 0;
    bm_end(h);
    return true;
}

#endif
