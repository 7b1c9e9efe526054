// Every case up to a size, under the sanitizers, of the kernels that a value analysis cannot follow: `enumerate PART SIZE`.
//
// tries, hashes: every slice that any calls can lead to from an empty map, and every call on each; what a slice need not keep (free slots, nodes
// that are not in use) is written over in between. rings: every row of records in every state. stuffed, unstuffed, opened: every pattern of
// bytes. lines: every pattern of zeros in what comes, and every length of each reply. Slices and buffers are blocks of exactly their size. Each slice, before a call and after it, is one that check.h finds whole. Prints how many slices or buffers there were, and how many calls.

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "frame.h"
#include "hash.h"
#include "lpm.h"
#include "ring.h"
#include "turn.h"

static unsigned long calls, cases;

static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "ERROR: %s\n", what);
        abort();
    }
}

// --- every slice that calls lead to --------------------------------------------------------------------------------------------

static uint8_t *states; // one behind the other
static uint32_t *table, size, found, room, buckets;

static uint8_t *state(uint32_t i) {
    return states + (size_t)i * size;
}

static uint32_t *place(const uint8_t *slice) {
    uint64_t x = 0xcbf29ce484222325;
    for (uint32_t i = 0; i < size; ++i) {
        x = (x ^ slice[i]) * 0x100000001b3;
    }
    uint32_t at = (x ^ x >> 32) & (buckets - 1);
    while (table[at] && memcmp(state(table[at] - 1), slice, size)) {
        at = (at + 1) & (buckets - 1);
    }
    return &table[at];
}

static void met(const uint8_t *slice) {
    uint32_t *at = place(slice);
    if (*at) {
        return;
    }
    if (found == room) {
        states = realloc(states, (size_t)(room *= 2) * size);
    }
    must(found < buckets / 2, "there are more slices than this program can keep");
    memcpy(state(found), slice, size);
    *at = ++found;
}

static void begin(const uint32_t *empty) {
    size = empty[1];
    room = 1024;
    buckets = 1 << 23;
    found = 0;
    states = malloc((size_t)room * size);
    table = calloc(buckets, sizeof *table);
    met((const uint8_t *)empty);
}

static void end(void) {
    cases += found;
    free(states);
    free(table);
}

// Write over what a free slot, or one that was never used, need not keep.
static void forget_entries(uint32_t *h, const bool *used) {
    for (uint32_t slot = 1; slot <= h[MAX_ENTRIES]; ++slot) {
        if (!used[slot]) {
            memset(bm_hash_entry(h, slot), 0xa5, h[STRIDE]);
        }
    }
    h[PEAK] = h[COUNT];
}

static void forget_in_hash(uint32_t *h) {
    bool used[16] = { false };
    for (uint32_t slot = 0; (slot = bm_hash_next(h, slot)); ) {
        used[slot] = true;
    }
    forget_entries(h, used);
}

static void forget_in_trie(uint32_t *h) {
    bm_nodes_t n = bm_lpm_nodes(h);
    bool used[16] = { false }, unused[16] = { false };
    for (uint32_t slot = 1; slot <= h[FRESH]; ++slot) {
        used[slot] = !(n.left[slot] & FREE_BIT);
    }
    forget_entries(h, used);
    for (uint32_t x = h[INNER_FREE]; x; x = n.left[x]) {
        must(!unused[x], "a node is free once");
        unused[x] = true;
    }
    for (uint32_t x = 1; x <= 2 * n.slots - 1; ++x) {
        bool fresh = x <= n.slots ? x > h[FRESH] : x > n.slots + h[INNER_FRESH];
        if (fresh) {
            n.left[x] = 0xa5a5;
        }
        if (fresh || (x <= n.slots ? !used[x] : unused[x])) {
            n.right[x] = n.bits[x] = 0xa5a5;
        }
    }
}

static uint32_t *made(uint32_t type, uint32_t key, uint32_t n, uint32_t links, uint32_t entries, uint32_t stride) {
    uint32_t bytes = (entries + stride * n + 7) & ~7u, *h = calloc(1, bytes);
    h[1] = bytes, h[MAP_TYPE] = type, h[KEY_SIZE] = key, h[VALUE_SIZE] = 1, h[MAX_ENTRIES] = n;
    h[LINKS] = links, h[ENTRIES] = entries, h[VALUE] = stride - 4, h[STRIDE] = stride;
    return h;
}

static bool whole(uint32_t *h) {
    return !((uint8_t *)h)[MARK_AT] && (h[MAP_TYPE] == 11 ? bm_check_nodes(h) : h[MAP_TYPE] == 1 ? bm_check_chains(h) : bm_check_records(h)) == WHOLE;
}

typedef int (*op_t)(uint32_t *h, const uint8_t *key, uint8_t *value, int what);

static int hash_op(uint32_t *h, const uint8_t *key, uint8_t *value, int what) {
    return bm_hash_op(h, key, value, what);
}

// Do every call with these keys in every slice, in those too that come of it.
static void walk(uint32_t *empty, op_t op, void (*forget)(uint32_t *h), uint8_t *keys, uint32_t n_keys) {
    static const int whats[] = { ANY, NOEXIST, EXIST, LOOKUP, DELETE, NEXT, TAKE, FIND };
    uint32_t n = op == bm_lpm_op ? 6 : 8, key_size = empty[KEY_SIZE];
    forget(empty);
    begin(empty);
    uint8_t *key = malloc(key_size), *out = malloc(key_size), *value = malloc(1);
    *value = 7;
    for (uint32_t i = 0; i < found; ++i) {
        for (uint32_t k = 0; k < n_keys * n; ++k) {
            memcpy(empty, state(i), size);
            memcpy(key, keys + k / n * key_size, key_size);
            int what = whats[k % n];
            op(empty, key, what == NEXT ? out : what == DELETE ? NULL : value, what);
            *value = 7;
            forget(empty);
            must(whole(empty), "a slice is whole after a call");
            met((uint8_t *)empty);
            ++calls;
        }
        for (uint32_t slot = 0; slot <= empty[MAX_ENTRIES] + 1; ++slot, ++calls) {
            memcpy(empty, state(i), size);
            bm_hash_entry_at(empty, slot, out, key_size, value, 1);
            *value = 7;
        }
    }
    end();
    free(key);
    free(out);
    free(value);
    free(empty);
}

// All prefixes of at most `bits` bits, one with all 8, and one that is too long.
static void tries(uint32_t n, uint32_t bits) {
    uint8_t keys[5 * 64] = { 0 }, *at = keys;
    for (uint32_t length = 0; length <= bits; ++length) {
        for (uint32_t data = 0; data < 1u << length; ++data, at += 5) {
            at[0] = length;
            at[4] = data << (8 - length);
        }
    }
    at[0] = 8, at[4] = 0xa5, at += 5;
    at[0] = 9, at += 5;
    uint32_t entries = (96 + 6 * (2 * n - 1) + 7) & ~7u;
    walk(made(11, 5, n, 96, entries, 12), bm_lpm_op, forget_in_trie, keys, (at - keys) / 5);
}

// One key more than there is room for, under seeds that spread them over the buckets in several ways.
static void hashes(uint32_t n) {
    uint32_t b = 1;
    while (b < n) {
        b *= 2;
    }
    for (uint32_t seed = 0; seed < 6; ++seed) {
        uint32_t links = 96 + 2 * b, *h = made(1, 1, n, links, (links + 2 * n + 7) & ~7u, 8);
        h[SEED] = seed * 0x1234567 & 0x3fffffff;
        h[MULTIPLIER] = 0x2545f491 ^ seed << 9;
        h[MASK] = b - 1;
        uint8_t keys[16];
        for (uint32_t i = 0; i <= n; ++i) {
            keys[i] = i * 37;
        }
        walk(h, hash_op, forget_in_hash, keys, n + 1);
    }
}

// --- rings ---------------------------------------------------------------------------------------------------------------------

static uint32_t *ring, heads[16], at_units[16], n_records, lengths_each;

static void lay(uint32_t consumer, uint32_t units) {
    memset((uint8_t *)ring + 96, 0xff, ring[SIZE]); // no length
    ring[CONSUMER] = consumer;
    ring[PRODUCER] = consumer + 8 * units;
    ring[COUNT] = 0;
    for (uint32_t i = 0; i < n_records; ++i) {
        bm_ring_record(ring, consumer + 8 * at_units[i])[0] = heads[i];
        ring[COUNT] += !(heads[i] & ~LENGTH);
    }
    must(whole(ring), "a row of records is whole");
}

static void every_call(uint32_t consumer, uint32_t units) {
    ++cases;
    for (uint32_t n = 0; n <= ring[SIZE] + 1; ++n, calls += 3) {
        uint8_t *data = malloc(n ? n : 1);
        memset(data, 0xff, n);
        lay(consumer, units);
        bm_ring_output(ring, n ? data : NULL, n);
        must(whole(ring), "a ring is whole after output()");
        lay(consumer, units);
        bm_ring_read(ring, n ? data : NULL, n);
        must(whole(ring), "a ring is whole after read()");
        lay(consumer, units);
        bm_ring_reserve(ring, n);
        must(whole(ring), "a ring is whole after reserve()");
        free(data);
    }
    for (uint32_t i = 0; i < n_records; ++i, calls += 2) {
        if (heads[i] & RESERVED) {
            uint32_t n = heads[i] & LENGTH, at;
            uint8_t *data = malloc(n ? n : 1);
            memset(data, 0xff, n);
            lay(consumer, units);
            at = (bm_ring_record(ring, consumer + 8 * at_units[i]) - ring) * 4;
            bm_ring_finish(ring, at, data, false);
            lay(consumer, units);
            bm_ring_finish(ring, at, NULL, true);
            free(data);
        }
    }
    lay(consumer, units);
    bm_ring_next(ring);
    lay(consumer, units);
    bm_ring_clear(ring, false);
    lay(consumer, units);
    bm_ring_clear(ring, true);
    calls += 3;
}

// Every row of records that goes on from here, in at most `left` units of 8 bytes.
static void rows_of(uint32_t consumer, uint32_t units, uint32_t left) {
    static const uint32_t states_of[] = { 0, RESERVED, DISCARDED };
    every_call(consumer, units);
    for (uint32_t more = 1; more <= left; ++more) {
        uint32_t longest = 8 * more - 8, shortest = more == 1 ? 0 : longest - 7;
        for (uint32_t length = lengths_each ? shortest : longest; length <= longest; ++length) {
            for (int i = 0; i < 3; ++i) {
                at_units[n_records] = units;
                heads[n_records++] = length | states_of[i];
                rows_of(consumer, units + more, left - more);
                --n_records;
            }
        }
    }
}

static void rings(uint32_t bytes) {
    lengths_each = bytes <= 32; // in a larger one each record has the most bytes that its units hold
    for (int over = 0; over < 2; ++over) {
        ring = calloc(1, 96 + bytes);
        ring[MAP_FLAGS] = over ? OVERWRITE : 0;
        ring[SIZE] = bytes;
        ring[ENTRIES] = 96;
        for (uint32_t consumer = 0; consumer < bytes; consumer += 8) {
            rows_of(consumer, 0, bytes / 8 - 1);
            rows_of(consumer - bytes, 0, bytes / 8 - 1); // a position that wraps
        }
        free(ring);
    }
}

// --- frames --------------------------------------------------------------------------------------------------------------------

static void stuff(const uint8_t *raw, size_t n) {
    uint8_t *out = malloc(bm_stuffed(n)), *back;
    size_t size = bm_stuff(out, raw, n);
    must(size <= bm_stuffed(n) && !memchr(out, 0, size), "stuffed bytes have no zero, and the size that was said");
    out = realloc(out, size);
    back = malloc(size);
    must(bm_unstuff(back, out, size) == (ptrdiff_t)n && !memcmp(back, raw, n), "what was stuffed is unstuffed");
    free(back);
    free(out);
    back = malloc(FRAME_LEAST + n);
    memcpy(back + FRAME_HEADER, raw, n);
    out = malloc(bm_frame_size(n));
    size = bm_frame_close(out, back, n, 8, 1, n, 0);
    out = realloc(out, size - 1);
    free(back);
    back = malloc(size - 1);
    must(bm_frame_open(back, out, size - 1) == (ptrdiff_t)(FRAME_LEAST + n), "a frame is opened");
    free(back);
    free(out);
    calls += 4;
    ++cases;
}

// Every pattern of zeros in up to `most` bytes; in longer ones, where blocks are full, every pattern of at most two.
static void stuffed(uint32_t most) {
    static const uint32_t longer[] = { 253, 254, 255, 256, 507, 508, 509, 510 };
    for (uint32_t n = 1; n <= most; ++n) {
        uint8_t *raw = malloc(n);
        for (uint32_t zeros = 0; zeros < 1u << n; ++zeros) {
            for (uint32_t i = 0; i < n; ++i) {
                raw[i] = !(zeros >> i & 1);
            }
            stuff(raw, n);
        }
        free(raw);
    }
    for (uint32_t i = 0; i < sizeof longer / sizeof *longer; ++i) {
        uint32_t n = longer[i], step = most < 14 ? 13 : 1; // a short run looks at some places
        uint8_t *raw = malloc(n);
        memset(raw, 1, n);
        stuff(raw, n);
        for (uint32_t a = 0; a < n; a += step) {
            for (uint32_t b = a; b < n; b += step) {
                raw[a] = raw[b] = 0;
                stuff(raw, n);
                raw[a] = raw[b] = 1;
            }
        }
        free(raw);
    }
}

// Every chunk of up to `most` bytes: a byte is only compared with the bytes that are left, so that one above n stands for all.
static void unstuffed(uint32_t most) {
    for (uint32_t n = 0; n <= most; ++n) {
        uint8_t *chunk = calloc(1, n ? n : 1), *raw = malloc(n ? n : 1);
        uint32_t i;
        do {
            ptrdiff_t size = bm_unstuff(raw, chunk, n);
            must(size < (ptrdiff_t)(n ? n : 1), "what is unstuffed is shorter");
            must(bm_frame_open(raw, chunk, n) <= size, "a frame has no more bytes than that");
            calls += 2;
            ++cases;
            for (i = 0; i < n && ++chunk[i] > n + 1; ++i) {
                chunk[i] = 0;
            }
        } while (i < n);
        free(chunk);
        free(raw);
    }
}

// Every row of blocks, each of 1, 2, 100, 254 or 255 bytes or of all that are left, in a chunk of up to `most` bytes.
static void blocks_of(uint8_t *chunk, uint8_t *raw, uint32_t at, uint32_t n) {
    static const uint32_t codes[] = { 1, 2, 100, 254, 255 };
    if (at >= n) {
        bm_unstuff(raw, chunk, n);
        bm_frame_open(raw, chunk, n);
        calls += 2;
        ++cases;
        return;
    }
    for (uint32_t i = 0; i < 7; ++i) {
        uint32_t code = i < 5 ? codes[i] : n - at + i - 5; // the last is one too many
        if (code && code < 256 && (i >= 5 || at + code < n) && (code > 2 || at < 8 || n - at < 8)) {
            chunk[at] = code;
            blocks_of(chunk, raw, at + code, n);
            chunk[at] = 1;
        }
    }
}

static void blocks(uint32_t most) {
    for (uint32_t n = 1; n <= most; ++n) {
        uint8_t *chunk = malloc(n), *raw = malloc(n);
        memset(chunk, 1, n);
        blocks_of(chunk, raw, 0, n);
        free(chunk);
        free(raw);
    }
}

// --- lines ---------------------------------------------------------------------------------------------------------------------

// One turn: n bytes have come to a buffer of `size`, behind `before` pending ones. `lengths` has a digit to the base size + 2 for each
// reply: one that has no room is refused, and 0 is a reply that needs less than it was given.
static void turn(size_t size, const uint8_t *come, size_t n, size_t before, uint32_t lengths) {
    uint8_t *buffer = malloc(size), *pending = malloc(before ? before : 1), *stream = malloc(before + n), sent[16];
    memset(pending, 9, before);
    memset(buffer, 7, size);
    memcpy(buffer, come, n);
    memcpy(stream, pending, before);
    memcpy(stream + before, come, n);
    size_t taken = 0, total = before + n, out = 0;
    bm_turn_t t;
    ++cases;
    ++calls;
    if (!bm_turn_begin(&t, buffer, size, n, pending, before)) {
        must(before > size - n || !memchr(come, 0, n), "what has a frame and room is begun with");
        must(!memcmp(buffer, come, n), "what is not begun with is as it was");
        goto done;
    }
    for (;;) {
        size_t chunk = bm_turn_chunk(&t);
        while (taken < total && !stream[taken]) {
            ++taken;
        }
        const uint8_t *zero = taken < total ? memchr(stream + taken, 0, total - taken) : NULL;
        must(chunk == (zero ? (size_t)(zero - stream) - taken : 0), "a chunk is what stands between zeros");
        size_t room = chunk ? bm_turn_room(&t, chunk) : 0, length = lengths % (size + 2), less = !length;
        must(!chunk || room <= size - 1, "no reply has room for more than the buffer and its zero");
        calls += 2;
        lengths /= size + 2;
        length = less ? room : length;
        if (!chunk || length > room) {
            break;
        }
        uint8_t *to = bm_turn_take(&t, chunk, length);
        memset(to, 0x80 + out, length);
        length -= less && length > 1;
        memset(sent + out, 0x80 + out, length);
        out += length;
        t.out = to + length;
        taken += chunk + 1;
        must(!memcmp(t.at, stream + taken, total - taken), "what is not taken yet stays");
    }
    size_t begun = t.out - t.begin;
    must(bm_turn_end(&t) == total - taken && begun == out + (out != 0) && begun + total - taken <= size, "the replies, and the rest");
    must(!out || (!buffer[0] && !memcmp(buffer + 1, sent, out)), "a zero and the replies");
    must(!memcmp(buffer + begun, stream + taken, total - taken), "the rest stands behind");
done:
    free(stream);
    free(pending);
    free(buffer);
}

// In every buffer of up to `most` bytes: only whether a byte is zero matters.
static void lines(uint32_t most) {
    for (uint32_t size = 1; size <= most; ++size) {
        for (uint32_t n = 0; n <= size; ++n) {
            uint32_t several = 1; // rows of lengths for as many replies as n bytes, or one more pending, can have
            for (uint32_t i = 0; i < (n + 1) / 2; ++i) {
                several *= size + 2;
            }
            for (uint32_t zeros = 0; zeros < 1u << n; ++zeros) {
                uint8_t come[16];
                for (uint32_t i = 0; i < n; ++i) {
                    come[i] = zeros >> i & 1 ? 0 : 1 + i;
                }
                for (uint32_t before = 0; before <= size + 1 - n; ++before) {
                    for (uint32_t lengths = 0; lengths < several; ++lengths) {
                        turn(size, come, n, before, lengths);
                    }
                }
            }
        }
    }
}

int main(int argc, char **argv) {
    must(argc == 3, "usage: enumerate tries|hashes|rings|stuffed|unstuffed|blocks|lines SIZE");
    uint32_t n = strtoul(argv[2], NULL, 10);
    switch (argv[1][0]) {
        case 't':
            tries(n, n < 4 ? 3 : 2);
            break;
        case 'h':
            hashes(n);
            break;
        case 'r':
            rings(n);
            break;
        case 's':
            stuffed(n);
            break;
        case 'u':
            unstuffed(n);
            break;
        case 'l':
            lines(n);
            break;
        default:
            blocks(n);
    }
    printf("%lu %lu\n", cases, calls);
    return 0;
}
