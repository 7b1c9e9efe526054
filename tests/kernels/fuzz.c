// A session of calls on one map, or frames, made of any bytes: for libFuzzer, and with ALONE for a program that replays them.
//
// The first byte is a kind, see `kinds` at the end. For a map follow its sizes and then calls: a byte that chooses one, and what it needs. What is
// behind the end of the bytes is zero. POKE is no call: it changes a byte of the slice, and where check.h finds it whole then, calls go on. The slice and each buffer are blocks of memory of exactly their size; the sanitizers see an access outside,
// and the answers are held against what must hold of any of them. tests/kernels/fuzzing.py writes such bytes.

#include <stdio.h>
#include <stdlib.h>

#include "array.h"
#include "bloom.h"
#include "check.h"
#include "field.h"
#include "frame.h"
#include "hash.h"
#include "line.h"
#include "lpm.h"
#include "percpu.h"
#include "queue.h"
#include "ring.h"
#include "series.h"

enum { POKE = 0xee };
enum { QUEUE = 22, RINGBUF = 27, BLOOM = 30, SERIES = 100, PERCPU_HASH = 5, LPM = 11 };

static const uint8_t *in;
static size_t left;
static unsigned long calls;
static bool poked; // what the calls before have left is not all that there is

static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "ERROR: %s\n", what);
        abort();
    }
}

static uint32_t take(size_t bytes) {
    uint32_t number = 0;
    for (size_t i = 0; i < bytes && left; ++i, --left) {
        number |= (uint32_t)*in++ << 8 * i;
    }
    return number;
}

// Blocks of this turn, all freed at its end.
static void *blocks[64];
static size_t held;

static uint8_t *block(size_t n) {
    if (held == sizeof blocks / sizeof *blocks) {
        must(false, "too many blocks in a turn");
    }
    uint8_t *at = malloc(n ? n : 1);
    blocks[held++] = at;
    return at;
}

static void let_go(size_t from) {
    while (held > from) {
        free(blocks[--held]);
    }
}

// A buffer of n bytes that ends where its block does, at any alignment, filled from the input.
static uint8_t *buffer(size_t n) {
    size_t past = n * 5 % 8;
    uint8_t *at = block(n + past) + past;
    for (size_t i = 0; i < n; ++i) {
        at[i] = take(1);
    }
    return at;
}

static size_t up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

// A slice as pool.py and the map's class make it; firmware/SPEC.md draws it.
static uint32_t *slice_of(uint32_t type, uint32_t flags, uint32_t key, uint32_t value, uint32_t n, uint32_t cpus) {
    uint32_t links = 96, entries = 96, mask = 0, functions = 0;
    bool chains = type == HASH || type == PERCPU_HASH, rows = type == PERCPU_HASH || type == PERCPU_ARRAY;
    uint32_t value_at = chains || type == LPM ? up(key, 4) : type == SERIES ? 8 : 0;
    uint32_t stride = value_at + (rows ? up(value, 8) * cpus : up(value, 4));
    if (chains) {
        for (mask = 1; mask < n; mask *= 2) {
        }
        links += 2 * mask--;
        entries = up(links + 2 * n, 8);
    } else if (type == LPM) {
        entries = up(links + 6 * (2 * n - 1), 8);
    }
    size_t size = up(entries + (size_t)stride * n, 8);
    if (type == RINGBUF || type == BLOOM) {
        stride = 1;
        size = up(entries + n, 8);
    }
    if (type == BLOOM) {
        functions = 1 + cpus;
        mask = 64;
        while (mask < n * functions / 5 * 7) {
            mask *= 2;
        }
        size = entries + mask-- / 8 + 1;
    }
    uint32_t *h = (uint32_t *)(void *)block(size);
    memset(h, 0, size);
    memcpy(h, "BM\2\14", 4);
    h[1] = size;
    h[MAP_TYPE] = type, h[MAP_FLAGS] = flags, h[KEY_SIZE] = key, h[VALUE_SIZE] = value, h[MAX_ENTRIES] = n;
    h[LINKS] = links, h[ENTRIES] = entries, h[VALUE] = value_at, h[STRIDE] = stride;
    if (mask || chains) {
        h[SEED] = take(4) & 0x3fffffff, h[MULTIPLIER] = (take(4) & 0x3fffffff) | 1, h[MASK] = mask;
    }
    if (functions) {
        h[FUNCTIONS] = functions;
    }
    return h;
}

// Whether what the slice's header leads to is whole.
static bool whole(uint32_t *h) {
    uint32_t type = h[MAP_TYPE];
    return !((uint8_t *)h)[MARK_AT] && (type == HASH || type == PERCPU_HASH ? bm_check_chains(h) : type == LPM ? bm_check_nodes(h)
        : type == RINGBUF ? bm_check_records(h) : WHOLE) == WHOLE;
}

// Change a byte behind the header, or a word of it that calls change, of a kind that check.h knows.
static void poke(uint32_t *h) {
    static const uint8_t words[] = { COUNT, SEED, MULTIPLIER, MASK, FREE, FRESH };
    uint32_t type = h[MAP_TYPE], at = take(2);
    if (at & 0x8000) {
        if (type == HASH || type == PERCPU_HASH || type == LPM || type == RINGBUF) {
            h[words[at % sizeof words]] = take(4);
        }
    } else {
        ((uint8_t *)h)[96 + at % (h[1] - 96)] = take(1);
    }
    poked = true;
}

// --- a turn of each kind -------------------------------------------------------------------------------------------------------

static void change_a_field(uint32_t *h, uint8_t *value, size_t size) {
    if (!value) {
        return;
    }
    ptrdiff_t offset = take(1) % (size + 2);
    int width = take(1) % 10, what = take(1) % 5;
    if (bm_field_fits(size, offset, width)) {
        uint64_t old = bm_field_read(value + offset, width), made = bm_field_apply(what, old, take(4), width);
        bm_field_store(h, value + offset, width, made);
        must(bm_field_read(value + offset, width) == made, "a number that was written is read");
    }
    size_t part = take(1) % (size + 1), at = take(1) % (size - part + 1);
    bm_field_put(h, value + at, buffer(part), part);
    uint8_t *fresh = buffer(size), *expected = block(size);
    memcpy(expected, value, size);
    must(bm_field_swap(h, value, expected, fresh, size) && !memcmp(value, fresh, size), "an equal value is swapped");
}

static void array(uint32_t *h, uint8_t what) {
    static const int all[] = { ANY, LOOKUP, DELETE };
    size_t n = h[VALUE_SIZE] + (what >> 2) % 2;
    uint32_t i = take(what & 64 ? 4 : 1);
    if (what % 4 == 3) {
        change_a_field(h, bm_array_find(h, i), h[VALUE_SIZE]);
        return;
    }
    int done = bm_array_op(h, i, buffer(n), n, all[what % 4]);
    must((done == DONE) == (i < h[MAX_ENTRIES] && (n == h[VALUE_SIZE] || what % 4 == 2)), "an index in range is there");
}

static void hash(uint32_t *h, uint8_t what) {
    uint8_t *key = buffer(h[KEY_SIZE]);
    if (what % 16 >= 10) {
        change_a_field(h, bm_hash_find(h, key, h[KEY_SIZE]), h[VALUE_SIZE]);
    } else if (what % 16 >= 8) {
        size_t n = h[STRIDE] - h[VALUE];
        bm_hash_entry_at(h, take(2), key, h[KEY_SIZE], buffer(n), n);
    } else {
        int op = what % 8;
        size_t n = op == NEXT ? h[KEY_SIZE] : h[VALUE_SIZE] + (what >= 0xf0);
        if (bm_hash_fits(h, h[KEY_SIZE], n, op)) {
            bool there = bm_hash_find(h, key, h[KEY_SIZE]), full = h[COUNT] == h[MAX_ENTRIES];
            ptrdiff_t done = bm_hash_op(h, key, op == DELETE || op == FIND ? NULL : buffer(n), op);
            must(op == NEXT || (there ? done == (op == NOEXIST ? EXISTS : op == FIND ? done : DONE)
                : done == (op >= EXIST ? MISS : full ? FULL : DONE)), "an answer says what was there");
        }
    }
    must(h[COUNT] <= h[MAX_ENTRIES] && h[FRESH] <= h[MAX_ENTRIES] && h[FREE] <= h[MAX_ENTRIES], "no more entries than there is room for");
}

static void rows(uint32_t *h, uint8_t what) {
    uint32_t whole = h[STRIDE] - h[VALUE], at = take(1) % (whole + 2), n = take(1) % (whole + 2);
    bm_key_t key = { NULL, 0, take(1) };
    if (h[MAP_TYPE] == PERCPU_HASH) {
        key.len = h[KEY_SIZE] - (what >= 0xf0);
        key.bytes = buffer(key.len);
    }
    int op = what % 6;
    if (op == TAKE && h[MAP_TYPE] == PERCPU_ARRAY) {
        op = LOOKUP; // no array takes
    }
    bm_row_op(h, &key, at, buffer(n), n, op);
    if (h[MAP_TYPE] == PERCPU_HASH && key.len == h[KEY_SIZE] && what & 64) {
        bm_hash_op(h, key.bytes, block(key.len), NEXT);
    }
}

static void queue(uint32_t *h, uint8_t what) {
    uint32_t count = h[COUNT];
    size_t n = h[VALUE_SIZE] + (what >= 0xf0);
    if (what % 4 < 2) {
        bm_queue_put(h, buffer(n), n, what % 4);
    } else if (what == 0x7f) {
        bm_queue_empty(h);
    } else {
        must(bm_queue_take(h, buffer(h[VALUE_SIZE]), what % 4 == 3) == (count != 0), "there is a value where there was one");
    }
    must(h[COUNT] <= h[MAX_ENTRIES] && h[FIRST] < h[MAX_ENTRIES], "no more values than there is room for");
}

static void series(uint32_t *h, uint8_t what) {
    if (what % 2) {
        bm_series_push(h, take(4), take(4), buffer(h[VALUE_SIZE]));
    } else {
        bm_series_get(h, h[GONE] + (int8_t)take(1), buffer(h[VALUE_SIZE] + 8));
    }
}

static void ring(uint32_t *h, uint8_t what) {
    static uint32_t reserved[64]; // where, from the slice's start
    static size_t n;
    if ((!h[PRODUCER] && !h[NUMBER]) || poked) {
        n = 0; // a new ring, or one of which nothing is known
    }
    size_t length = take(2) % (h[SIZE] + 9);
    if (what % 8 < 3) {
        bm_ring_output(h, buffer(length), length);
    } else if (what % 8 < 5) {
        bm_ring_read(h, buffer(length), length);
    } else if (what % 8 == 5) {
        uint32_t *record = n < 64 ? bm_ring_reserve(h, length) : NULL;
        if (record) {
            reserved[n++] = (record - h) * 4;
        }
    } else if (what % 8 == 6 && n) {
        uint32_t i = take(1) % n, at = reserved[i];
        reserved[i] = reserved[--n];
        bm_ring_finish(h, at, buffer(h[at / 4] & LENGTH), what & 64);
    } else if (what == 0xff) {
        bm_ring_clear(h, true);
        n = 0;
    } else if (what & 64) {
        must(bm_ring_clear(h, false) == (n == 0) || poked, "a ring is cleared unless a record is reserved");
    } else {
        bm_ring_next(h);
    }
    must(h[PRODUCER] - h[CONSUMER] < h[SIZE], "no more bytes than there is room for");
}

static void lpm(uint32_t *h, uint8_t what) {
    uint8_t *key = buffer(h[KEY_SIZE]);
    if (key[1] | key[2] | key[3]) { // nearly always too long: mostly a short one
        key[2] = key[3] = 0;
        key[1] &= 1;
    }
    int op = what % 8;
    if (op == TAKE || op == FIND) {
        bm_hash_entry_at(h, take(1), key, h[KEY_SIZE], buffer(h[VALUE_SIZE]), h[VALUE_SIZE]);
    } else if (what == 0xff) {
        bm_lpm_clear(h);
    } else {
        bm_lpm_op(h, key, op == DELETE ? NULL : buffer(op == NEXT ? h[KEY_SIZE] : h[VALUE_SIZE]), op);
    }
    must(h[COUNT] <= h[MAX_ENTRIES] && h[INNER_FRESH] < h[MAX_ENTRIES], "no more nodes than there is room for");
}

static void bloom(uint32_t *h, uint8_t what) {
    uint8_t *value = buffer(h[VALUE_SIZE]);
    if (what == 0xff) {
        bm_bloom_clear(h);
        must(!bm_bloom_peek(h, value), "nothing is in an empty filter");
    } else if (what & 1) {
        bm_bloom_push(h, value);
        must(bm_bloom_peek(h, value), "what was pushed is found");
    } else {
        bm_bloom_peek(h, value);
    }
}

// A request as line.c has one executed, pages included.
static void line(uint32_t *h, uint8_t what) {
    enum { LIMIT = 64 };
    size_t n = what % 64;
    uint8_t *request = buffer(n);
    ptrdiff_t room = bm_line_room(what & 64 ? NULL : h, request, n, LIMIT);
    must(room >= -1 && room <= LIMIT, "a reply is no longer than it may be");
    if (room < 0 || request[0] == OP_PING) {
        return;
    }
    if (request[0] != OP_BATCH_LOOKUP) {
        uint8_t *reply = block(room);
        ptrdiff_t made = bm_line_execute(h, request, reply);
        must(made <= room, "a reply has the bytes that it was given");
        return;
    }
    uint32_t entry = h[KEY_SIZE] + h[VALUE_SIZE], slot = bm_u16(request + 3), most = h[MAX_ENTRIES];
    uint8_t *out = block(entry);
    while (slot && most--) {
        uint32_t next = bm_line_entry(h, slot, out);
        must(!next || next > slot, "a walk goes on");
        slot = next;
    }
}

// --- frames --------------------------------------------------------------------------------------------------------------------

static void frames(void) {
    size_t n = left;
    uint8_t *chunk = buffer(n), *raw = block(n);
    ptrdiff_t size = bm_unstuff(raw, chunk, n);
    must(size < (ptrdiff_t)(n ? n : 1), "what is unstuffed is shorter");
    bm_frame_open(raw, chunk, n);
    uint8_t *stuffed = block(bm_stuffed(n)), *back;
    size_t made = bm_stuff(stuffed, chunk, n);
    must(made <= bm_stuffed(n) && !memchr(stuffed, 0, made), "stuffed bytes have no zero, and the size that was said");
    uint8_t *exact = block(made);
    memcpy(exact, stuffed, made);
    back = block(made);
    must(bm_unstuff(back, exact, made) == (ptrdiff_t)n && (!n || !memcmp(back, chunk, n)), "what was stuffed is unstuffed");
    uint8_t *whole = block(FRAME_LEAST + n), *frame = block(bm_frame_size(n));
    bm_copy(whole + FRAME_HEADER, chunk, n);
    size_t length = bm_frame_close(frame, whole, n, n, n >> 1, n * 77, n >> 3);
    must(length <= bm_frame_size(n) && memchr(frame, 0, length) == frame + length - 1, "a frame ends with its only zero");
    uint8_t *opened = block(length - 1);
    must(bm_frame_open(opened, frame, length - 1) == (ptrdiff_t)(FRAME_LEAST + n), "a frame is opened");
}

typedef struct {
    uint32_t type, flags;
    void (*turn)(uint32_t *h, uint8_t what);
} kind_t;

static const kind_t kinds[] = {
    { 0, 0, NULL }, // frames
    { ARRAY, 0, array }, { HASH, 0, hash }, { PERCPU_ARRAY, 0, rows }, { PERCPU_HASH, 0, rows }, { QUEUE, 0, queue },
    { STACK, 0, queue }, { SERIES, 0, series }, { RINGBUF, 0, ring }, { RINGBUF, OVERWRITE, ring }, { LPM, 0, lpm },
    { BLOOM, 0, bloom }, { ARRAY, 0, line }, { HASH, 0, line }, { HASH, BPF_F_RDONLY, line }, { ARRAY, BPF_F_WRONLY, line },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    in = data;
    left = n;
    const kind_t *kind = &kinds[take(1) % (sizeof kinds / sizeof *kinds)];
    if (!kind->turn) {
        frames();
        ++calls;
    } else {
        uint32_t type = kind->type, key = 1 + take(1) % 20, value = 1 + take(1) % 20, most = 1 + take(1) % 40, cpus = 1 + take(1) % 3;
        key = type == ARRAY || type == PERCPU_ARRAY ? 4 : type == LPM ? 4 + key : type == SERIES ? 8
            : type == HASH || type == PERCPU_HASH ? key : 0;
        if (type == RINGBUF) {
            value = 0;
            most = 1u << most % 10;
        }
        uint32_t *h = slice_of(type, kind->flags, key, value, most, cpus);
        poked = false;
        for (; left; ++calls) {
            uint8_t what = take(1);
            if (what == POKE) {
                poke(h);
                if (!whole(h)) {
                    break;
                }
            } else {
                kind->turn(h, what);
                must(whole(h), "a slice is whole after a call");
            }
            let_go(1);
        }
    }
    let_go(0);
    return 0;
}

__attribute__((destructor)) static void tell(void) {
    printf("%lu calls\n", calls);
}

#ifdef ALONE
// One session a line of stdin, in hex.
int main(void) {
    static char text[1 << 20];
    while (fgets(text, sizeof text, stdin)) {
        size_t n = strcspn(text, "\n") / 2;
        uint8_t *data = malloc(n ? n : 1);
        for (size_t i = 0; i < n; ++i) {
            unsigned byte;
            sscanf(text + 2 * i, "%2x", &byte);
            data[i] = byte;
        }
        LLVMFuzzerTestOneInput(data, n);
        free(data);
    }
    return 0;
}
#endif
