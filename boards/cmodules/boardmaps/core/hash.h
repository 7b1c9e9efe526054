// A hash table: chains of slots by 16-bit links. Slots count from 1, so that zeroed memory is an empty table.
#ifndef BOARDMAPS_CORE_HASH_H
#define BOARDMAPS_CORE_HASH_H

#include "slice.h"

enum { SEED = 8, MULTIPLIER = 9, MASK = 10, FREE = 15, FRESH = 16 }; // words of the header
enum { FREE_BIT = 0x8000 }; // in a link: this slot holds no entry

typedef uint32_t __attribute__((may_alias)) bm_word_t; // a word of a key, which is bytes elsewhere

typedef struct {
    uint32_t before, slot; // the slot of the key and the one before it in its chain, 0 when there is none
    uint16_t *head;
    uint8_t *entry;
} bm_place_t;

static inline uint16_t *bm_hash_links(uint32_t *h) {
    return (uint16_t *)(void *)bm_at(h, h[LINKS]) - 1;
}

static inline uint8_t *bm_hash_entry(uint32_t *h, uint32_t slot) {
    return bm_at(h, h[ENTRIES] + (slot - 1) * h[STRIDE]);
}

static inline uint16_t *bm_hash_head(uint32_t *h, const uint8_t *key) {
    uint32_t x = h[SEED], by = h[MULTIPLIER], n = h[KEY_SIZE];
    for (; n > 1; n -= 2, key += 2) {
        x = ((x ^ (key[0] | key[1] << 8)) * by) & 0x3FFFFFFF;
        x ^= x >> 15;
    }
    if (n) {
        x = ((x ^ key[0]) * by) & 0x3FFFFFFF;
        x ^= x >> 15;
    }
    return (uint16_t *)(h + HEADER_WORDS) + (x & h[MASK]);
}

static inline bool bm_hash_same(const uint8_t *a, const uint8_t *b, size_t n) {
    if (!(((uintptr_t)a | (uintptr_t)b) & 3)) {
        for (; n >= 4; n -= 4, a += 4, b += 4) {
            if (*(const bm_word_t *)(const void *)a != *(const bm_word_t *)(const void *)b) {
                return false;
            }
        }
    }
    return n == 0 || memcmp(a, b, n) == 0;
}

static inline bm_place_t bm_hash_place(uint32_t *h, const uint8_t *key) {
    bm_place_t p = { 0, 0, bm_hash_head(h, key), NULL };
    uint16_t *links = bm_hash_links(h);
    for (p.slot = *p.head; p.slot; p.before = p.slot, p.slot = links[p.slot]) {
        p.entry = bm_hash_entry(h, p.slot);
        if (bm_hash_same(p.entry, key, h[KEY_SIZE])) {
            break;
        }
    }
    return p;
}

// Give a key that is not there a slot, at the front of its chain. Its value is left as it is, and the mark set: the caller writes one and
// the other.
static inline int bm_hash_create(uint32_t *h, bm_place_t *p, const uint8_t *key) {
    uint16_t *links = bm_hash_links(h);
    uint32_t slot = h[FREE];
    if (!slot && h[FRESH] >= h[MAX_ENTRIES]) {
        return FULL;
    }
    bm_begin(h);
    if (slot) {
        h[FREE] = links[slot] & (FREE_BIT - 1);
    } else {
        slot = ++h[FRESH];
    }
    p->slot = slot;
    p->entry = bm_hash_entry(h, slot);
    memcpy(p->entry, key, h[KEY_SIZE]);
    links[slot] = *p->head;
    *p->head = slot;
    if (++h[COUNT] > h[PEAK]) {
        h[PEAK] = h[COUNT];
    }
    return DONE;
}

static inline void bm_hash_remove(uint32_t *h, bm_place_t *p) {
    uint16_t *links = bm_hash_links(h);
    bm_begin(h);
    *(p->before ? &links[p->before] : p->head) = links[p->slot];
    links[p->slot] = h[FREE] | FREE_BIT;
    h[FREE] = p->slot;
    --h[COUNT];
    bm_end(h);
}

// The first slot behind this one that holds an entry; 0 at the end.
static inline uint32_t bm_hash_next(uint32_t *h, uint32_t slot) {
    uint16_t *links = bm_hash_links(h);
    while (slot < h[FRESH]) {
        if (!(links[++slot] & FREE_BIT)) {
            return slot;
        }
    }
    return 0;
}

// Where the value of a key is; NULL when it is not there or has another size than the map's.
static inline uint8_t *bm_hash_find(uint32_t *h, const uint8_t *key, size_t n) {
    if (n != h[KEY_SIZE]) {
        return NULL;
    }
    bm_place_t p = bm_hash_place(h, key);
    return p.slot ? p.entry + h[VALUE] : NULL;
}

// Whether the lengths are right for `what`; DELETE and FIND use no value.
static inline bool bm_hash_fits(uint32_t *h, size_t key_len, size_t value_len, int what) {
    return key_len == h[KEY_SIZE] && (what == DELETE || what == FIND || value_len == h[what == NEXT ? KEY_SIZE : VALUE_SIZE]);
}

// Do `what`. The lengths are right.
static inline ptrdiff_t bm_hash_op(uint32_t *h, const uint8_t *key, uint8_t *value, int what) {
    bm_place_t p = bm_hash_place(h, key);
    if (what == NEXT) {
        uint32_t slot = bm_hash_next(h, p.slot);
        if (!slot) {
            return MISS;
        }
        memcpy(value, bm_hash_entry(h, slot), h[KEY_SIZE]);
        return DONE;
    }
    if (!p.slot) {
        int done = what < EXIST ? bm_hash_create(h, &p, key) : MISS;
        if (done) {
            return done;
        }
    } else if (what == NOEXIST) {
        return EXISTS;
    }
    if (what == FIND) {
        return (uint8_t *)h - p.entry - (ptrdiff_t)h[VALUE];
    }
    if (what <= EXIST) {
        bm_begin(h);
        memcpy(p.entry + h[VALUE], value, h[VALUE_SIZE]);
        bm_end(h);
    } else if (what <= TAKE) {
        memcpy(value, p.entry + h[VALUE], h[VALUE_SIZE]);
    }
    if (what == TAKE || what == DELETE) {
        bm_hash_remove(h, &p);
    }
    return DONE;
}

// Copy the first entry at or behind `slot` as far as key and value reach; return the slot behind it, 0 at the end.
static inline uint32_t bm_hash_entry_at(uint32_t *h, uint32_t slot, void *key, size_t key_len, void *value, size_t value_len) {
    slot = slot && slot <= h[FRESH] ? bm_hash_next(h, slot - 1) : 0;
    if (slot) {
        bm_copy(key, bm_hash_entry(h, slot), key_len < h[VALUE] ? key_len : h[VALUE]);
        size_t room = h[STRIDE] - h[VALUE];
        bm_copy(value, bm_hash_entry(h, slot) + h[VALUE], value_len < room ? value_len : room);
        ++slot;
    }
    return slot;
}

#endif
