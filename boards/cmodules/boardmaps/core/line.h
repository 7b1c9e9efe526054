// Requests of the line that a map's kernel answers at once, from their bytes to the reply's. What succeeds happens here; for what
// does not, or is not here, nothing is changed and the answer is NOT_HERE: then operations.py does it, or says why it refuses. So
// what is refused, and how, stands there alone. SPEC.md has the requests.
#ifndef BOARDMAPS_CORE_LINE_H
#define BOARDMAPS_CORE_LINE_H

#include "array.h"
#include "field.h"
#include "hash.h"

// Numbers of abi.py and kinds.py
enum { OP_PING = 0, OP_LOOKUP = 4, OP_UPDATE = 5, OP_DELETE = 6, OP_BATCH_LOOKUP = 9, OP_ADD = 15 };
enum { HASH = 1, ARRAY = 2 };
enum { BPF_F_RDONLY = 8, BPF_F_WRONLY = 16 };
enum { STATUS_OK = 0, STATUS_MISS = 127 };

enum { STATE = 17, FROZEN = 1 }; // a word of a slice's header, and its bit
enum { NOT_HERE = -1 };
enum { PAGE_HEAD = 11 }; // bytes before the entries of a page: status, cursor, how many

static inline uint32_t bm_u16(const uint8_t *at) {
    return at[0] | at[1] << 8;
}

static inline uint32_t bm_u32(const uint8_t *at) {
    return bm_u16(at) | bm_u16(at + 2) << 16;
}

// Whether the host has the rights that these flags would take away: BPF_F_RDONLY for a change, BPF_F_WRONLY for a look.
static inline bool bm_line_may(const uint32_t *h, uint32_t need) {
    return !(h[MAP_FLAGS] & need) && !(need & BPF_F_RDONLY && h[STATE] & FROZEN);
}

// Whether this is a map of a kind that is answered here, and its keys have n bytes.
static inline bool bm_line_keyed(const uint32_t *h, size_t n) {
    return (h[MAP_TYPE] == HASH || h[MAP_TYPE] == ARRAY) && n == h[KEY_SIZE];
}

static inline uint8_t *bm_line_find(uint32_t *h, const uint8_t *key) {
    return h[MAP_TYPE] == HASH ? bm_hash_find(h, key, h[KEY_SIZE]) : bm_array_find(h, bm_array_index(key));
}

static inline int bm_line_op(uint32_t *h, const uint8_t *key, uint8_t *value, int what) {
    return h[MAP_TYPE] == HASH ? bm_hash_op(h, key, value, what) : bm_array_op(h, bm_array_index(key), value, h[VALUE_SIZE], what);
}

// The most bytes that the reply to a request of n bytes has, status included; NOT_HERE for one that is not answered here. The
// request names a map whose slice is h (NULL: none), and the reply may have `limit` bytes.
static inline ptrdiff_t bm_line_room(const uint32_t *h, const uint8_t *request, size_t n, size_t limit) {
    size_t room = 1, key = 0;
    if (!n) {
        return NOT_HERE;
    }
    switch (request[0]) {
        case OP_PING:
            return n <= limit ? (ptrdiff_t)n : NOT_HERE;
        case OP_LOOKUP:
            key = n - 3;
            room = 1 + (h ? h[VALUE_SIZE] : 0);
            break;
        case OP_UPDATE:
            key = n < 9 ? 0 : bm_u16(request + 7);
            if (h && n != 9 + key + h[VALUE_SIZE]) {
                return NOT_HERE;
            }
            break;
        case OP_DELETE:
            key = n - 3;
            break;
        case OP_ADD:
            key = n - 16;
            room = 9;
            break;
        case OP_BATCH_LOOKUP:
            if (h && n == 13) {
                key = h[KEY_SIZE];
                room = limit;
            }
            break;
        default:
            return NOT_HERE;
    }
    uint32_t need = request[0] == OP_LOOKUP || request[0] == OP_BATCH_LOOKUP ? BPF_F_WRONLY
        : request[0] == OP_ADD ? BPF_F_RDONLY | BPF_F_WRONLY : BPF_F_RDONLY;
    bool here = h && key && bm_line_keyed(h, key) && room <= limit && bm_line_may(h, need);
    return here ? (ptrdiff_t)room : NOT_HERE;
}

// Execute a request for which bm_line_room() has found this many bytes, but no ping and no page; the caller holds the guard. Return
// how many bytes the reply has.
static inline ptrdiff_t bm_line_execute(uint32_t *h, const uint8_t *request, uint8_t *reply) {
    reply[0] = STATUS_OK;
    switch (request[0]) {
        case OP_LOOKUP: {
            const uint8_t *value = bm_line_find(h, request + 3);
            if (!value) {
                reply[0] = STATUS_MISS;
                return 1;
            }
            bm_copy(reply + 1, value, h[VALUE_SIZE]);
            return 1 + h[VALUE_SIZE];
        }
        case OP_UPDATE: {
            uint32_t flags = bm_u32(request + 3);
            uint8_t *value = (uint8_t *)request + 9 + h[KEY_SIZE];
            bool known = flags <= EXIST && !(flags == NOEXIST && h[MAP_TYPE] == ARRAY);
            if (h[MAP_TYPE] == ARRAY) {
                flags = ANY;
            }
            return known && bm_line_op(h, request + 9, value, flags) == DONE ? 1 : NOT_HERE;
        }
        case OP_DELETE:
            return bm_line_op(h, request + 3, NULL, DELETE) == DONE ? 1 : NOT_HERE;
        default: { // OP_ADD
            uint8_t width = request[7];
            uint32_t offset = width ? bm_u32(request + 3) : 0;
            width = width ? width : bm_least(h[VALUE_SIZE], 255);
            uint8_t *value = offset < h[VALUE_SIZE] && bm_field_fits(h[VALUE_SIZE], offset, width)
                ? bm_line_find(h, request + 16) : NULL;
            if (!value) {
                return NOT_HERE;
            }
            uint64_t made = bm_field_apply(ADD, bm_field_read(value + offset, width), bm_field_read(request + 8, 8), width);
            bm_field_store(h, value + offset, width, made);
            bm_field_write(reply + 1, 8, made);
            return 9;
        }
    }
}

// Copy the first entry at or behind `slot`, key and value, and return the slot behind it, 0 at the end. A slot of an array is the
// index behind it.
static inline uint32_t bm_line_entry(uint32_t *h, uint32_t slot, uint8_t *out) {
    uint8_t *value = out + h[KEY_SIZE];
    if (h[MAP_TYPE] == HASH) {
        return bm_hash_entry_at(h, slot, out, h[KEY_SIZE], value, h[VALUE_SIZE]);
    }
    if (!slot || slot > h[MAX_ENTRIES]) {
        return 0;
    }
    bm_field_write(out, 4, slot - 1);
    memcpy(value, bm_array_find(h, slot - 1), h[VALUE_SIZE]);
    return slot + 1;
}

#endif
