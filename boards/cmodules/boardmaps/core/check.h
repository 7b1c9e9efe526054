// Whether what a slice's header leads to is whole: chains, nodes, records, free lists. Whatever the bytes are, each of these functions
// ends, writes nothing and reads nothing outside the slice, as long as the header is right: whoever calls one has held type, sizes and
// offsets against the slice's length (firmware/boardmaps/maps/check.py does). On what is whole every kernel stays within the slice and ends.
//
// An answer is 0, or what is wrong, and from bit 4 on where: the number of a bucket (from 0), of a slot, a node or a record (from 1).
#ifndef BOARDMAPS_CORE_CHECK_H
#define BOARDMAPS_CORE_CHECK_H

#include "lpm.h"
#include "queue.h"
#include "ring.h"

enum {
    WHOLE = 0,
    BAD_WORDS = 1, // words of the header do not fit each other
    BAD_LINK = 2, // it leads to what is no entry
    TOO_MANY = 3, // a chain, or the tree, has more entries than there are: it loops
    BAD_PLACE = 4, // the key belongs elsewhere
    TWICE = 5, // the same key is there before
    ASTRAY = 6, // entries that nothing leads to, or a wrong count
    BAD_FREE = 7, // the chain of free slots
    BAD_INNER = 8, // the chain of free inner nodes
    BAD_RECORD = 9, // flags or length
    BAD_HEADER = 10, // no slice of this length begins here, or its check is not that of its bytes
    MARKED = 11, // a kernel was changing it
};

// A number that leads nowhere may have any 32 bits: 24 are told.
static inline uint32_t bm_fault(int what, uint32_t where) {
    return (where & 0xFFFFFF) << 4 | what;
}

// That `used` slots hold entries, and that all the others up to `fresh` are in the free chain.
static inline uint32_t bm_check_free(uint32_t *h, uint32_t used) {
    const uint16_t *links = bm_hash_links(h);
    uint32_t fresh = h[FRESH], rest = fresh - used;
    for (uint32_t slot = 1; slot <= fresh; ++slot) {
        if (!(links[slot] & FREE_BIT) && !used--) {
            return bm_fault(ASTRAY, slot);
        }
    }
    if (used) {
        return bm_fault(ASTRAY, 0);
    }
    for (uint32_t slot = h[FREE]; slot; slot = links[slot] & (FREE_BIT - 1)) {
        if (slot > fresh || !(links[slot] & FREE_BIT) || !rest--) {
            return bm_fault(BAD_FREE, slot);
        }
    }
    return rest ? bm_fault(BAD_FREE, 0) : WHOLE;
}

// A hash table. Takes as long as hashing all keys does, and comparing each with those before it in its chain.
static inline uint32_t bm_check_chains(uint32_t *h) {
    uint16_t *links = bm_hash_links(h), *heads = (uint16_t *)(h + HEADER_WORDS);
    uint32_t fresh = h[FRESH], count = h[COUNT], met = 0, buckets = (h[LINKS] - HEADER_WORDS * 4) / 2;
    if (h[MASK] != buckets - 1 || fresh > h[MAX_ENTRIES] || count > fresh) {
        return BAD_WORDS;
    }
    for (uint32_t b = 0; b < buckets; ++b) {
        for (uint32_t slot = heads[b]; slot; slot = links[slot]) {
            if (slot > fresh || links[slot] & FREE_BIT) {
                return bm_fault(BAD_LINK, b);
            }
            if (++met > count) {
                return bm_fault(TOO_MANY, b);
            }
            const uint8_t *key = bm_hash_entry(h, slot);
            if (bm_hash_head(h, key) != heads + b) {
                return bm_fault(BAD_PLACE, slot);
            }
            for (uint32_t other = heads[b]; other != slot; other = links[other]) {
                if (bm_hash_same(bm_hash_entry(h, other), key, h[KEY_SIZE])) {
                    return bm_fault(TWICE, slot);
                }
            }
        }
    }
    return met < count ? bm_fault(ASTRAY, 0) : bm_check_free(h, count);
}

// A trie, in pre-order and without a stack: at a slot that has no children its own key leads from the root to where the way goes
// on. That it does is known, because each key is held against the nodes above it. For each slot it takes as long as a look-up.
static inline uint32_t bm_check_nodes(uint32_t *h) {
    bm_nodes_t n = bm_lpm_nodes(h);
    uint32_t fresh = h[FRESH], count = h[COUNT], top = n.slots + h[INNER_FRESH], most = (h[KEY_SIZE] - LENGTH_BYTES) * 8;
    if (fresh > n.slots || count > fresh || h[INNER_FRESH] >= n.slots) {
        return BAD_WORDS;
    }
    uint32_t inner = h[INNER_FRESH]; // those that are in the tree
    for (uint32_t x = h[INNER_FREE]; x; x = n.left[x], --inner) {
        if (x <= n.slots || x > top || !inner) {
            return bm_fault(BAD_INNER, x);
        }
    }
    uint32_t slots = count, before = 0, above = 0, side = 0, x = h[ROOT];
    while (x) {
        uint32_t first = x, least = above ? n.bits[above] + 1 : 0;
        for (;; x = n.left[x]) { // down to a slot
            if (!x || x > top || (x <= n.slots && (x > fresh || n.left[x] & FREE_BIT))) {
                return bm_fault(BAD_LINK, x);
            }
            if (n.bits[x] < least || n.bits[x] > most) {
                return bm_fault(BAD_PLACE, x);
            }
            if (x <= n.slots) {
                break;
            }
            if (!inner--) {
                return bm_fault(TOO_MANY, x);
            }
            if (!n.right[x]) {
                return bm_fault(BAD_LINK, x);
            }
            least = n.bits[x] + 1;
        }
        if (!slots--) {
            return bm_fault(TOO_MANY, x);
        }
        const uint8_t *key = bm_hash_entry(h, x);
        bool fits = bm_lpm_length(key) == n.bits[x];
        if (above) {
            uint32_t bits = n.bits[above];
            fits = fits && bm_lpm_common(h, before, key, 0, bits) == bits && (uint32_t)bm_lpm_bit(key, bits) == side;
        }
        for (uint32_t y = first; fits && y != x; y = n.left[y]) {
            fits = !bm_lpm_bit(key, n.bits[y]);
        }
        if (!fits) {
            return bm_fault(BAD_PLACE, x);
        }
        before = x;
        if (n.left[x] || n.right[x]) {
            above = x;
        } else { // from the root to this slot: the last place where the way went left and there is a right
            above = 0;
            for (uint32_t y = h[ROOT]; y != x;) {
                int right = bm_lpm_bit(key, n.bits[y]);
                if (!right && n.right[y]) {
                    above = y;
                }
                y = bm_lpm_child(&n, y, right);
            }
        }
        side = above != x || !n.left[x];
        x = !above ? 0 : bm_lpm_child(&n, above, side);
    }
    return slots || inner ? bm_fault(ASTRAY, 0) : bm_check_free(h, count);
}

// A ring. Takes as long as reading all records does. Their running numbers may be any: nobody knows how many were dropped between two.
static inline uint32_t bm_check_records(uint32_t *h) {
    uint32_t at = h[CONSUMER], rest = h[PRODUCER] - at, waiting = 0, nth = 0;
    if (rest >= h[SIZE] || (at | rest) & 7) {
        return BAD_WORDS;
    }
    while (rest) {
        uint32_t head = *bm_ring_record(h, at), flags = head & ~LENGTH, taken = bm_ring_taken(head & LENGTH);
        ++nth;
        if (taken > rest || (flags && flags != RESERVED && flags != DISCARDED)) {
            return bm_fault(BAD_RECORD, nth);
        }
        waiting += !flags;
        at += taken;
        rest -= taken;
    }
    return waiting == h[COUNT] ? WHOLE : bm_fault(ASTRAY, 0);
}

// --- a slice that a reset left -------------------------------------------------------------------------------------------------

#define SLICE_MAGIC 0x0c024d42 // of layout 2
enum { CHECK = 19 }; // word of the header
enum { SCHEMA_AT = 70, NAME_AT = 80 }; // bytes
// Map types
enum {
    OF_HASH = 1, OF_ARRAY = 2, OF_PERCPU_HASH = 5, OF_PERCPU_ARRAY = 6, OF_TRIE = 11, OF_QUEUE = 22, OF_RING = 27, OF_FILTER = 30, OF_SERIES = 100,
};

// The CRC-32 of n bytes behind others whose CRC-32 is given, 0 for none.
static inline uint32_t bm_check_crc(uint32_t crc, const uint8_t *data, size_t n) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (crc = ~crc; n--; ) {
        crc ^= *data++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

// Whether a slice of n bytes begins here: the check of its header is that of its bytes, so that its definition is one that was made.
static inline bool bm_check_header(uint32_t *h, size_t n) {
    if (n < HEADER_WORDS * 4 || h[0] != SLICE_MAGIC || h[1] != n) {
        return false;
    }
    uint32_t type = h[MAP_TYPE], schema = bm_at(h, SCHEMA_AT)[0] | bm_at(h, SCHEMA_AT)[1] << 8;
    if (HEADER_WORDS * 4 + ((schema + 7) & ~7u) > n) {
        return false;
    }
    bool hashed = type == OF_HASH || type == OF_PERCPU_HASH || type == OF_FILTER;
    uint32_t first = hashed ? 32 : type == OF_SERIES ? 36 : 44, end = type == OF_FILTER ? 64 : 60;
    uint32_t crc = bm_check_crc(0, bm_at(h, 0), 28);
    crc = bm_check_crc(crc, bm_at(h, first), end - first);
    crc = bm_check_crc(crc, bm_at(h, SCHEMA_AT), 2);
    crc = bm_check_crc(crc, bm_at(h, NAME_AT), HEADER_WORDS * 4 - NAME_AT);
    crc = bm_check_crc(crc, bm_at(h, n - ((schema + 7) & ~7u)), schema);
    return crc == h[CHECK];
}

// A whole slice, of n bytes. Any bytes may be given: what the header's check covers was written when the map was made.
static inline uint32_t bm_check_slice(uint32_t *h, size_t n) {
    if (!bm_check_header(h, n)) {
        return BAD_HEADER;
    }
    if (bm_at(h, MARK_AT)[0]) {
        return MARKED;
    }
    uint32_t count = h[COUNT], peak = h[PEAK], most = h[MAX_ENTRIES];
    switch (h[MAP_TYPE]) {
        case OF_ARRAY:
        case OF_PERCPU_ARRAY:
            return WHOLE;
        case OF_RING:
            return h[PRODUCER] - h[CONSUMER] > peak || peak >= most ? BAD_WORDS : bm_check_records(h);
        case OF_FILTER:
            return count > peak ? BAD_WORDS : WHOLE;
        case OF_HASH:
        case OF_PERCPU_HASH:
            return count > peak || peak > most ? BAD_WORDS : bm_check_chains(h);
        case OF_TRIE:
            return count > peak || peak > most ? BAD_WORDS : bm_check_nodes(h);
        case OF_QUEUE:
        case STACK:
        case OF_SERIES:
            return count > peak || peak > most || h[FIRST] >= most ? BAD_WORDS : WHOLE;
        default:
            return BAD_HEADER;
    }
}

// Discard the records of a ring that is whole that are reserved: nobody is there any more to submit them.
static inline void bm_check_settle(uint32_t *h) {
    for (uint32_t at = h[CONSUMER]; at != h[PRODUCER]; ) {
        uint32_t *record = bm_ring_record(h, at);
        at += bm_ring_taken(record[0] & LENGTH);
        if (record[0] & RESERVED) {
            record[0] = (record[0] & LENGTH) | DISCARDED;
        }
    }
}

#endif
