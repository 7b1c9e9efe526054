// Between any two stores of a kernel: sessions as fuzz.c has them, hex in stdin, and of each call every moment that a reset could choose.
//
// In such a moment the slice is as it was before the call or as it is after it, or the mark is set; a call that changes anything sets it.
//
// It is compiled with the instrumentation of the sanitizer of threads, whose library is not linked: its functions are here, and are told of each
// store before it happens. memcpy() and memset() are loops, so that they have moments too. Prints each kernel with the calls that changed a slice.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UNSEEN __attribute__((no_sanitize("thread"), noinline))

static void *copied(void *to, const void *from, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

static void *filled(void *to, int byte, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        ((volatile uint8_t *)to)[i] = byte;
    }
    return to;
}

#define memcpy copied
#define memset filled
#include "array.h"
#include "bloom.h"
#include "check.h"
#include "field.h"
#include "line.h"
#include "lpm.h"
#include "percpu.h"
#include "queue.h"
#include "ring.h"
#include "series.h"
#undef memcpy
#undef memset

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 16, WAYS = 64, TYPE_OF_RINGS = 27 };
static uint32_t *watched; // the slice of the call that is under way
static uint8_t before[MOST], between[WAYS][MOST];
static size_t bytes, n_between;
static bool marked;

typedef struct {
    const char *name;
    unsigned long calls, changed;
} kernel_t;
static kernel_t kernels[64];
static size_t n_kernels;

UNSEEN static bool same(const uint8_t *a, const uint8_t *b) {
    return !memcmp(a, b, MARK_AT) && !memcmp(a + MARK_AT + 1, b + MARK_AT + 1, bytes - MARK_AT - 1);
}

UNSEEN static void moment(void) {
    if (!watched) {
        return;
    }
    const uint8_t *now = (const uint8_t *)watched;
    if (now[MARK_AT]) {
        marked = true;
    } else if (!same(now, before) && (!n_between || !same(now, between[n_between - 1]))) {
        if (n_between == WAYS) {
            fprintf(stderr, "ERROR: too many steps\n");
            abort();
        }
        memcpy(between[n_between++], now, bytes);
    }
}

UNSEEN static void begun(uint32_t *h) {
    bytes = h[1];
    if (bytes > MOST) {
        fprintf(stderr, "ERROR: a slice is too large\n");
        abort();
    }
    memcpy(before, h, bytes);
    n_between = 0;
    marked = false;
    watched = h;
}

// A ring passes discarded records one by one: none of them is there to a reader, so that each step is as before.
UNSEEN static bool passed_some(const uint8_t *state) {
    uint8_t other[MOST];
    memcpy(other, state, bytes);
    memcpy(other + 4 * CONSUMER, before + 4 * CONSUMER, 4);
    return watched[MAP_TYPE] == TYPE_OF_RINGS && same(other, before);
}

UNSEEN static void ended(const char *name) {
    const uint8_t *now = (const uint8_t *)watched;
    bool changed = !same(now, before);
    const char *wrong = now[MARK_AT] ? "leaves the mark set" : changed && !marked ? "changes a slice without the mark" : NULL;
    for (size_t i = 0; i < n_between; ++i) {
        if (!same(between[i], now) && !passed_some(between[i])) {
            wrong = "has a moment between before and after without the mark";
        }
    }
    if (wrong) {
        fprintf(stderr, "ERROR: %s %s\n", name, wrong);
        abort();
    }
    watched = NULL;
    size_t i = 0;
    while (i < n_kernels && strcmp(kernels[i].name, name)) {
        ++i;
    }
    n_kernels += i == n_kernels;
    kernels[i].name = name;
    ++kernels[i].calls;
    kernels[i].changed += changed;
}

// The instrumentation.
#define TOLD(name) UNSEEN void __tsan_##name(void *at) { (void)at; moment(); }
#define IGNORED(name) UNSEEN void __tsan_##name(void *at) { (void)at; }
#define RANGE(name, body) UNSEEN void __tsan_##name(void *at, size_t n) { (void)at; (void)n; body; }
TOLD(write1) TOLD(write2) TOLD(write4) TOLD(write8) TOLD(write16)
TOLD(unaligned_write2) TOLD(unaligned_write4) TOLD(unaligned_write8) TOLD(unaligned_write16)
IGNORED(read1) IGNORED(read2) IGNORED(read4) IGNORED(read8) IGNORED(read16)
IGNORED(unaligned_read2) IGNORED(unaligned_read4) IGNORED(unaligned_read8) IGNORED(unaligned_read16) IGNORED(func_entry)
RANGE(write_range, moment()) RANGE(read_range, )
UNSEEN void __tsan_func_exit(void) { }
UNSEEN void __tsan_init(void) { }

#define GIVES(f, h, ...) ({ \
    uint32_t *slice_ = (h); \
    begun(slice_); \
    __typeof__(f(slice_, ##__VA_ARGS__)) gave_ = f(slice_, ##__VA_ARGS__); \
    ended(#f); \
    gave_; \
})
#define DOES(f, h, ...) do { uint32_t *slice_ = (h); begun(slice_); f(slice_, ##__VA_ARGS__); ended(#f); } while (0)

#define bm_array_find(...) GIVES(bm_array_find, __VA_ARGS__)
#define bm_array_op(...) GIVES(bm_array_op, __VA_ARGS__)
#define bm_bloom_push(...) DOES(bm_bloom_push, __VA_ARGS__)
#define bm_bloom_peek(...) GIVES(bm_bloom_peek, __VA_ARGS__)
#define bm_bloom_clear(...) DOES(bm_bloom_clear, __VA_ARGS__)
#define bm_field_put(...) DOES(bm_field_put, __VA_ARGS__)
#define bm_field_store(...) DOES(bm_field_store, __VA_ARGS__)
#define bm_field_swap(...) GIVES(bm_field_swap, __VA_ARGS__)
#define bm_hash_find(...) GIVES(bm_hash_find, __VA_ARGS__)
#define bm_hash_op(...) GIVES(bm_hash_op, __VA_ARGS__)
#define bm_hash_entry_at(...) GIVES(bm_hash_entry_at, __VA_ARGS__)
#define bm_line_execute(...) GIVES(bm_line_execute, __VA_ARGS__)
#define bm_line_entry(...) GIVES(bm_line_entry, __VA_ARGS__)
#define bm_lpm_op(...) GIVES(bm_lpm_op, __VA_ARGS__)
#define bm_lpm_clear(...) DOES(bm_lpm_clear, __VA_ARGS__)
#define bm_row_op(...) GIVES(bm_row_op, __VA_ARGS__)
#define bm_queue_put(...) GIVES(bm_queue_put, __VA_ARGS__)
#define bm_queue_take(...) GIVES(bm_queue_take, __VA_ARGS__)
#define bm_queue_empty(...) DOES(bm_queue_empty, __VA_ARGS__)
#define bm_series_push(...) DOES(bm_series_push, __VA_ARGS__)
#define bm_series_get(...) GIVES(bm_series_get, __VA_ARGS__)
#define bm_ring_reserve(...) GIVES(bm_ring_reserve, __VA_ARGS__)
#define bm_ring_output(...) GIVES(bm_ring_output, __VA_ARGS__)
#define bm_ring_next(...) GIVES(bm_ring_next, __VA_ARGS__)
#define bm_ring_read(...) GIVES(bm_ring_read, __VA_ARGS__)
#define bm_ring_finish(...) DOES(bm_ring_finish, __VA_ARGS__)
#define bm_ring_clear(...) GIVES(bm_ring_clear, __VA_ARGS__)

#define ALONE
#include "fuzz.c"

__attribute__((destructor)) static void tell_kernels(void) {
    for (size_t i = 0; i < n_kernels; ++i) {
        printf("%s %lu %lu\n", kernels[i].name, kernels[i].calls, kernels[i].changed);
    }
}
