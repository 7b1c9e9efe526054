// Runs the kernels of boards/cmodules/boardmaps/core on a computer: one operation a line of stdin, one answer a line of stdout.
//
// `slice HEX` makes the map. A buffer is HEX@n: its bytes, at an address that is n past a multiple of 8, in a block of memory that
// ends where the buffer does. `dump` prints the slice. What is asked is checked by nobody: whoever writes the lines knows the map.

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
#include "slice.h"

static uint32_t *h; // the slice
static size_t size;

typedef struct {
    uint8_t *block, *at;
    size_t len;
} buffer_t;

static char *word(void) {
    char *w = strtok(NULL, " \n");
    return w ? w : "";
}

static uint64_t number(void) {
    return strtoull(word(), NULL, 0);
}

static buffer_t buffer(void) {
    char *text = word(), *shift = strchr(text, '@');
    buffer_t b = { NULL, NULL, 0 };
    size_t n = shift ? (size_t)(shift - text) / 2 : strlen(text) / 2;
    size_t past = shift ? strtoul(shift + 1, NULL, 10) : 0;
    b.block = malloc(n + past ? n + past : 1);
    b.at = b.block + past;
    b.len = n;
    for (size_t i = 0; i < n; ++i) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        b.at[i] = byte;
    }
    return b;
}

static void show(const uint8_t *bytes, size_t n) {
    putchar(' ');
    for (size_t i = 0; i < n; ++i) {
        printf("%02x", bytes[i]);
    }
}

static void answer(long long code, const buffer_t *b) {
    printf("%lld", code);
    if (b) {
        show(b->at, b->len);
    }
    putchar('\n');
}

static uint8_t *locate(const buffer_t *key) {
    if (h[MAP_TYPE] == 2) {
        return bm_array_find(h, bm_array_index(key->at));
    }
    return bm_hash_find(h, key->at, key->len);
}

static long long place(const uint32_t *record) {
    return record ? (record - h) * 4 : 0;
}

static void run(const char *op) {
    buffer_t a = { NULL, NULL, 0 }, b = a, c = a;
    if (!strcmp(op, "slice")) {
        a = buffer();
        size = a.len;
        free(h);
        h = malloc(size);
        memcpy(h, a.at, size);
        answer(0, NULL);
    } else if (!strcmp(op, "dump")) {
        show((uint8_t *)h, size);
        putchar('\n');
    } else if (!strcmp(op, "array")) {
        int what = number();
        a = buffer(), b = buffer();
        answer(bm_array_op(h, bm_array_index(a.at), b.at, b.len, what), &b);
    } else if (!strcmp(op, "hash")) {
        int what = number();
        a = buffer(), b = buffer();
        answer(bm_hash_fits(h, a.len, b.len, what) ? bm_hash_op(h, a.at, b.at, what) : WRONG_SIZE, &b);
    } else if (!strcmp(op, "entry")) {
        uint32_t slot = number();
        a = buffer(), b = buffer();
        slot = bm_hash_entry_at(h, slot, a.at, a.len, b.at, b.len);
        printf("%u", slot);
        show(a.at, a.len);
        show(b.at, b.len);
        putchar('\n');
    } else if (!strcmp(op, "apply")) {
        int what = number();
        uint64_t operand = number();
        size_t offset = number();
        int width = number();
        a = buffer();
        uint8_t *value = locate(&a);
        if (!value || !bm_field_fits(h[VALUE_SIZE], offset, width)) {
            puts("none");
        } else {
            uint64_t old = bm_field_read(value + offset, width), made = bm_field_apply(what, old, operand, width);
            bm_field_store(h, value + offset, width, made);
            printf("%llu\n", (unsigned long long)(what == ADD ? made : old));
        }
    } else if (!strcmp(op, "swap")) {
        a = buffer(), b = buffer(), c = buffer();
        uint8_t *value = locate(&a);
        answer(value ? bm_field_swap(h, value, b.at, c.at, b.len) : -1, NULL);
    } else if (!strcmp(op, "put")) {
        bool over = number();
        a = buffer();
        answer(bm_queue_put(h, a.at, a.len, over), NULL);
    } else if (!strcmp(op, "take")) {
        bool remove = number();
        a = buffer();
        answer(bm_queue_take(h, a.at, remove), &a);
    } else if (!strcmp(op, "output")) {
        a = buffer();
        answer(bm_ring_output(h, a.at, a.len), NULL);
    } else if (!strcmp(op, "read")) {
        a = buffer();
        answer(bm_ring_read(h, a.at, a.len), &a);
    } else if (!strcmp(op, "claim")) {
        answer(place(bm_ring_reserve(h, number())), NULL);
    } else if (!strcmp(op, "finish")) {
        uint32_t at = number();
        bool discard = number();
        a = buffer();
        bm_ring_finish(h, at, a.at, discard);
        answer(0, NULL);
    } else if (!strcmp(op, "passed")) {
        answer(place(bm_ring_next(h)), NULL);
    } else if (!strcmp(op, "clear")) {
        answer(bm_ring_clear(h, false), NULL);
    } else if (!strcmp(op, "push")) {
        uint32_t low = number(), high = number();
        a = buffer();
        bm_series_push(h, low, high, a.at);
        answer(0, NULL);
    } else if (!strcmp(op, "get")) {
        uint32_t n = number();
        a = buffer();
        answer(bm_series_get(h, n, a.at), &a);
    } else if (!strcmp(op, "lpm")) {
        int what = number();
        a = buffer(), b = buffer();
        answer(bm_hash_fits(h, a.len, b.len, what) ? bm_lpm_op(h, a.at, b.at, what) : WRONG_SIZE, &b);
    } else if (!strcmp(op, "forget")) {
        bm_lpm_clear(h);
        answer(0, NULL);
    } else if (!strcmp(op, "add")) {
        a = buffer();
        bm_bloom_push(h, a.at);
        answer(0, NULL);
    } else if (!strcmp(op, "has")) {
        a = buffer();
        answer(!bm_bloom_peek(h, a.at), NULL);
    } else if (!strcmp(op, "empty")) {
        bm_bloom_clear(h);
        answer(0, NULL);
    } else if (!strcmp(op, "chains")) {
        answer(bm_check_chains(h), NULL);
    } else if (!strcmp(op, "nodes")) {
        answer(bm_check_nodes(h), NULL);
    } else if (!strcmp(op, "records")) {
        answer(bm_check_records(h), NULL);
    } else if (!strcmp(op, "whole")) {
        answer(bm_check_slice(h, size), NULL);
    } else if (!strcmp(op, "settle")) {
        bm_check_settle(h);
        answer(0, NULL);
    } else if (!strcmp(op, "row")) {
        int what = number();
        uint32_t at = number();
        bm_key_t key = { NULL, 0, number() };
        a = buffer(), b = buffer();
        key.bytes = a.at;
        key.len = a.len;
        answer(bm_row_op(h, &key, at, b.at, b.len, what), &b);
    } else if (!strcmp(op, "line")) {
        size_t limit = number();
        a = buffer();
        ptrdiff_t room = bm_line_room(h, a.at, a.len, limit);
        b.block = b.at = malloc(room > 0 ? room : 1); // a block of exactly what the reply may take
        b.len = room > 0 ? room : 0;
        if (room > 0 && a.at[0] == OP_PING) {
            bm_copy(b.at, a.at, room);
            b.at[0] = STATUS_OK;
        } else if (room > 0) {
            room = bm_line_execute(h, a.at, b.at);
            b.len = room > 0 ? room : 0;
        }
        answer(room, &b);
    } else if (!strcmp(op, "walk")) {
        uint32_t slot = number();
        b.len = h[KEY_SIZE] + h[VALUE_SIZE];
        b.block = b.at = calloc(1, b.len);
        answer(bm_line_entry(h, slot, b.at), &b);
    } else if (!strcmp(op, "stuff")) {
        a = buffer();
        b.block = b.at = malloc(bm_stuffed(a.len));
        b.len = bm_stuff(b.at, a.at, a.len);
        answer(0, &b);
    } else if (!strcmp(op, "unstuff") || !strcmp(op, "open")) {
        a = buffer();
        b.block = b.at = malloc(a.len ? a.len : 1);
        ptrdiff_t n = *op == 'u' ? bm_unstuff(b.at, a.at, a.len) : bm_frame_open(b.at, a.at, a.len);
        b.len = n < 0 ? 0 : n;
        answer(n, &b);
    } else if (!strcmp(op, "close")) {
        uint8_t kind = number(), session = number();
        uint16_t seq = number();
        uint8_t ack = number();
        a = buffer();
        c.block = c.at = malloc(FRAME_LEAST + a.len);
        bm_copy(c.at + FRAME_HEADER, a.at, a.len);
        b.block = b.at = malloc(bm_frame_size(a.len));
        b.len = bm_frame_close(b.at, c.at, a.len, kind, session, seq, ack);
        answer(0, &b);
    } else {
        printf("unknown: %s\n", op);
    }
    free(a.block);
    free(b.block);
    free(c.block);
}

int main(void) {
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        char *op = strtok(line, " \n");
        if (op) {
            run(op);
        }
    }
    free(h);
    return 0;
}
