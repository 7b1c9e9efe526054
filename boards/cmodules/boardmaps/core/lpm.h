// A trie of prefixes: slots hold the prefixes that are there, inner nodes the places where two of them part. SPEC.md draws the bytes.
//
// Nodes 1 to max_entries are the slots, the inner ones come behind. A key is a u32 with the number of its bits, and the data.
#ifndef BOARDMAPS_CORE_LPM_H
#define BOARDMAPS_CORE_LPM_H

#include "hash.h"

enum { ROOT = 8, INNER_FREE = 9, INNER_FRESH = 10 }; // words of the header
enum { TOO_LONG = 5 }; // an answer: the prefix has more bits than the data
enum { LENGTH_BYTES = 4 }; // of a key, before its data

typedef struct {
    uint16_t *left, *right, *bits; // by node, from 1
    uint32_t slots;
} bm_nodes_t;

static inline bm_nodes_t bm_lpm_nodes(uint32_t *h) {
    uint32_t all = 2 * h[MAX_ENTRIES] - 1;
    uint16_t *left = bm_hash_links(h);
    bm_nodes_t n = { left, left + all, left + 2 * all, h[MAX_ENTRIES] };
    return n;
}

// The number of a key's bits.
static inline uint32_t bm_lpm_length(const uint8_t *key) {
    uint32_t length;
    memcpy(&length, key, LENGTH_BYTES);
    return length;
}

static inline int bm_lpm_bit(const uint8_t *key, uint32_t bit) {
    return key[LENGTH_BYTES + (bit >> 3)] >> (7 - (bit & 7)) & 1;
}

static inline uint32_t bm_lpm_child(const bm_nodes_t *n, uint32_t node, int side) {
    return (side ? n->right : n->left)[node];
}

// In how many bits a slot's data agrees with the key's, at most `most`; the first `known` are known to.
static inline uint32_t bm_lpm_common(uint32_t *h, uint32_t slot, const uint8_t *key, uint32_t known, uint32_t most) {
    const uint8_t *data = bm_hash_entry(h, slot) + LENGTH_BYTES;
    key += LENGTH_BYTES;
    for (uint32_t i = known >> 3; i << 3 < most; ++i) {
        uint32_t differ = data[i] ^ key[i];
        if (differ) {
            uint32_t same = i << 3;
            for (; !(differ & 0x80); differ <<= 1) {
                ++same;
            }
            return bm_least(same, most);
        }
    }
    return most;
}

// The first node of a subtree in post-order, which is a slot.
static inline uint32_t bm_lpm_first(const bm_nodes_t *n, uint32_t node) {
    while (n->left[node] || n->right[node]) {
        node = n->left[node] ? n->left[node] : n->right[node];
    }
    return node;
}

// The slot with the longest prefix of the key's data that has at most `length` bits; 0 when there is none.
static inline uint32_t bm_lpm_match(uint32_t *h, const uint8_t *key, uint32_t length) {
    bm_nodes_t n = bm_lpm_nodes(h);
    uint32_t best = 0, known = 0;
    for (uint32_t x = h[ROOT]; x && n.bits[x] <= length; x = bm_lpm_child(&n, x, bm_lpm_bit(key, n.bits[x]))) {
        if (x <= n.slots) {
            if (bm_lpm_common(h, x, key, known, n.bits[x]) < n.bits[x]) {
                break;
            }
            best = x;
            known = n.bits[x];
        }
        if (n.bits[x] == length) {
            break;
        }
    }
    return best;
}

// Where a prefix is, or belongs.
typedef struct {
    uint32_t slot; // one at or below the place
    uint32_t common; // in how many bits its prefix agrees with the key's
    uint32_t node; // the first on the key's way that goes further, or ends where the key does; 0 when there is none
    uint32_t parent, above; // of the node, 0 where that is the root
    int side, above_side; // of the node at its parent, of the parent at the one above
    uint32_t behind; // the node that begins what is behind the key in post-order, as far as the way there tells; 0 when nothing is
    bool whole; // all below `behind`, not the node alone
} bm_way_t;

static inline bm_way_t bm_lpm_way(uint32_t *h, const bm_nodes_t *n, const uint8_t *key, uint32_t length) {
    bm_way_t w = { 0, 0, h[ROOT], 0, 0, 0, 0, 0, false };
    uint32_t x = h[ROOT], child;
    if (!x) {
        return w;
    }
    while (n->bits[x] < length && (child = bm_lpm_child(n, x, bm_lpm_bit(key, n->bits[x])))) {
        x = child;
    }
    while (x > n->slots) {
        x = n->left[x];
    }
    w.slot = x;
    w.common = bm_lpm_common(h, x, key, 0, bm_least(length, n->bits[x]));
    for (x = h[ROOT]; x && n->bits[x] <= w.common && n->bits[x] < length; x = bm_lpm_child(n, x, w.side)) {
        w.above = w.parent;
        w.above_side = w.side;
        w.parent = x;
        w.side = bm_lpm_bit(key, n->bits[x]);
        if (!w.side && n->right[x]) {
            w.behind = n->right[x];
            w.whole = true;
        } else if (x <= n->slots) {
            w.behind = x;
            w.whole = false;
        }
    }
    w.node = x;
    return w;
}

static inline void bm_lpm_link(uint32_t *h, const bm_nodes_t *n, uint32_t parent, int side, uint32_t node) {
    if (parent) {
        (side ? n->right : n->left)[parent] = node;
    } else {
        h[ROOT] = node;
    }
}

static inline void bm_lpm_set(const bm_nodes_t *n, uint32_t node, uint32_t bits, uint32_t left, uint32_t right) {
    n->bits[node] = bits;
    n->left[node] = left;
    n->right[node] = right;
}

// An inner node: n prefixes have at most n - 1 of them, so there is one.
static inline uint32_t bm_lpm_inner(uint32_t *h, const bm_nodes_t *n) {
    uint32_t x = h[INNER_FREE];
    if (x) {
        h[INNER_FREE] = n->left[x];
    } else {
        x = n->slots + ++h[INNER_FRESH];
    }
    return x;
}

static inline void bm_lpm_free_inner(uint32_t *h, const bm_nodes_t *n, uint32_t x) {
    n->left[x] = h[INNER_FREE];
    h[INNER_FREE] = x;
}

// Whether the way ends at the prefix itself.
static inline bool bm_lpm_there(const bm_nodes_t *n, const bm_way_t *w, uint32_t length) {
    return w->node && w->node <= n->slots && w->common == length && n->bits[w->node] == length;
}

static inline int bm_lpm_update(uint32_t *h, const uint8_t *key, const uint8_t *value, uint32_t length, int flags) {
    bm_nodes_t n = bm_lpm_nodes(h);
    bm_way_t w = bm_lpm_way(h, &n, key, length);
    uint32_t slot = w.node;
    if (bm_lpm_there(&n, &w, length)) {
        if (flags == NOEXIST) {
            return EXISTS;
        }
    } else if (flags == EXIST) {
        return MISS;
    } else {
        slot = h[FREE];
        if (!slot && h[FRESH] >= h[MAX_ENTRIES]) {
            return FULL;
        }
        bm_begin(h);
        if (slot) {
            h[FREE] = n.left[slot] & (FREE_BIT - 1);
        } else {
            slot = ++h[FRESH];
        }
        uint32_t x = w.node, top = slot;
        bm_lpm_set(&n, slot, length, 0, 0);
        if (x && w.common == length && n.bits[x] == length) { // an inner node is in its place
            bm_lpm_set(&n, slot, length, n.left[x], n.right[x]);
            bm_lpm_free_inner(h, &n, x);
        } else if (x && w.common == length) { // what is there goes on where this ends
            bool side = bm_lpm_bit(bm_hash_entry(h, w.slot), length);
            bm_lpm_set(&n, slot, length, side ? 0 : x, side ? x : 0);
        } else if (x) { // the two part
            bool side = bm_lpm_bit(key, w.common);
            top = bm_lpm_inner(h, &n);
            bm_lpm_set(&n, top, w.common, side ? x : slot, side ? slot : x);
        }
        bm_lpm_link(h, &n, w.parent, w.side, top);
        if (++h[COUNT] > h[PEAK]) {
            h[PEAK] = h[COUNT];
        }
    }
    uint8_t *entry = bm_hash_entry(h, slot);
    bm_begin(h);
    memcpy(entry, key, h[KEY_SIZE]);
    memcpy(entry + h[VALUE], value, h[VALUE_SIZE]);
    bm_end(h);
    return DONE;
}

static inline int bm_lpm_delete(uint32_t *h, const uint8_t *key, uint32_t length) {
    bm_nodes_t n = bm_lpm_nodes(h);
    bm_way_t w = bm_lpm_way(h, &n, key, length);
    if (!bm_lpm_there(&n, &w, length)) {
        return MISS;
    }
    uint32_t slot = w.node, left = n.left[slot], right = n.right[slot];
    bm_begin(h);
    if (left && right) {
        uint32_t inner = bm_lpm_inner(h, &n);
        bm_lpm_set(&n, inner, length, left, right);
        bm_lpm_link(h, &n, w.parent, w.side, inner);
    } else if (left || right || w.parent <= n.slots) {
        bm_lpm_link(h, &n, w.parent, w.side, left + right);
    } else { // its parent is an inner node, which has one child left
        bm_lpm_link(h, &n, w.above, w.above_side, bm_lpm_child(&n, w.parent, !w.side));
        bm_lpm_free_inner(h, &n, w.parent);
    }
    n.left[slot] = h[FREE] | FREE_BIT;
    h[FREE] = slot;
    --h[COUNT];
    bm_end(h);
    return DONE;
}

// The slot behind a key in post-order; 0 at the end. A key of too many bits is before all.
static inline uint32_t bm_lpm_next(uint32_t *h, const uint8_t *key, uint32_t length, uint32_t most) {
    bm_nodes_t n = bm_lpm_nodes(h);
    bm_way_t w = { 0 };
    if (length > most) {
        w.behind = h[ROOT];
        w.whole = true;
    } else {
        w = bm_lpm_way(h, &n, key, length);
        if (w.node && w.common < length && !bm_lpm_bit(key, w.common)) { // what is there has a 1 where the key has a 0
            w.behind = w.node;
            w.whole = true;
        }
    }
    return w.behind && w.whole ? bm_lpm_first(&n, w.behind) : w.behind;
}

// Do `what`: an update with flags, LOOKUP, DELETE or NEXT. The lengths of key and value are right.
static inline int bm_lpm_op(uint32_t *h, const uint8_t *key, uint8_t *value, int what) {
    uint32_t length = bm_lpm_length(key), most = (h[KEY_SIZE] - LENGTH_BYTES) * 8, slot;
    if (what == NEXT) {
        slot = bm_lpm_next(h, key, length, most);
        if (slot) {
            memcpy(value, bm_hash_entry(h, slot), h[KEY_SIZE]);
        }
        return slot ? DONE : MISS;
    }
    if (what == LOOKUP) {
        slot = length > most ? 0 : bm_lpm_match(h, key, length);
        if (slot) {
            memcpy(value, bm_hash_entry(h, slot) + h[VALUE], h[VALUE_SIZE]);
        }
        return slot ? DONE : MISS;
    }
    if (length > most) {
        return TOO_LONG;
    }
    return what == DELETE ? bm_lpm_delete(h, key, length) : bm_lpm_update(h, key, value, length, what);
}

// Remove every prefix.
static inline void bm_lpm_clear(uint32_t *h) {
    bm_begin(h);
    h[COUNT] = h[ROOT] = h[INNER_FREE] = h[INNER_FRESH] = h[FREE] = h[FRESH] = 0;
    bm_end(h);
}

#endif
