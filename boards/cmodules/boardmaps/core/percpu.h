// Rows of per-CPU maps: an array's or a hash table's entry that holds the values of all CPUs, each rounded up to 8 bytes.
#ifndef BOARDMAPS_CORE_PERCPU_H
#define BOARDMAPS_CORE_PERCPU_H

#include "array.h"
#include "hash.h"

enum { PERCPU_ARRAY = 6 }; // the map type

// A key of either map: bytes of a hash table's, or an array's index.
typedef struct {
    const uint8_t *bytes;
    size_t len;
    uint32_t index;
} bm_key_t;

// Where a key's row is; NULL when there is none.
static inline uint8_t *bm_row_find(uint32_t *h, const bm_key_t *key) {
    return h[MAP_TYPE] == PERCPU_ARRAY ? bm_array_find(h, key->index) : bm_hash_find(h, key->bytes, key->len);
}

// Do `what` with n bytes at `at` in the row under the key: ANY, NOEXIST and EXIST write them, LOOKUP and TAKE read them, TAKE
// removes the row then, DELETE sets all of it to zero. A new row is zero but for what is written.
static inline int bm_row_op(uint32_t *h, const bm_key_t *key, uint32_t at, void *buffer, size_t n, int what) {
    uint32_t whole = h[STRIDE] - h[VALUE];
    uint8_t *row = bm_row_find(h, key);
    if (what != DELETE && (at > whole || n > whole - at)) {
        return WRONG_SIZE;
    }
    if (!row) {
        if (what >= EXIST || h[MAP_TYPE] == PERCPU_ARRAY) {
            return MISS;
        }
        if (key->len != h[KEY_SIZE]) {
            return WRONG_SIZE;
        }
        bm_place_t p = bm_hash_place(h, key->bytes);
        int done = bm_hash_create(h, &p, key->bytes);
        if (done) {
            return done;
        }
        row = p.entry + h[VALUE];
        memset(row, 0, whole); // the mark is set
    } else if (what == NOEXIST) {
        return EXISTS;
    }
    if (what == DELETE) {
        bm_begin(h);
        memset(row, 0, whole);
        bm_end(h);
    } else if (what < LOOKUP) {
        bm_begin(h);
        bm_copy(row + at, buffer, n);
        bm_end(h);
    } else {
        bm_copy(buffer, row + at, n);
        if (what == TAKE) {
            bm_place_t p = bm_hash_place(h, key->bytes);
            bm_hash_remove(h, &p);
        }
    }
    return DONE;
}

#endif
