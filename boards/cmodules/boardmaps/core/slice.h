// A map's slice of the pool: the words of its header, and what the kernels do and answer. firmware/SPEC.md draws the bytes.
//
// The kernels in this folder are C99 over bytes: a slice, keys and values with their lengths in, a number out. They know
// nothing of MicroPython, allocate nothing, raise nothing and hold no guard; whoever calls them does. They are inline functions in
// headers, because a call from one file into another would cost more than an array's whole look-up. A slice is aligned to 8
// bytes, keys and values are not aligned at all; bytes are little-endian, as the processor is.
#ifndef BOARDMAPS_CORE_SLICE_H
#define BOARDMAPS_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Words of a slice's header that several kinds share
enum {
    MAP_TYPE = 2, MAP_FLAGS = 3, KEY_SIZE = 4, VALUE_SIZE = 5, MAX_ENTRIES = 6, COUNT = 7, LINKS = 11, ENTRIES = 12, VALUE = 13,
    STRIDE = 14, PEAK = 18, HEADER_WORDS = 24,
};

// What an operation does: update with these flags, or another thing. FIND answers minus the value's offset in the slice.
enum { ANY = 0, NOEXIST = 1, EXIST = 2, LOOKUP = 3, TAKE = 4, DELETE = 5, FIND = 6, NEXT = 7 };

// Beside one of these: key and value have been looked at. For the kernels that do not know all buffers; those in C do.
enum { LOOKED_AT = 16 };

// What an operation answers
enum { DONE = 0, MISS = 1, EXISTS = 2, FULL = 3, WRONG_SIZE = 4 };

// A kernel calls bm_begin() before it changes anything in the slice and bm_end() behind the change, on every way out: a reset in between
// leaves the mark set. The compiler keeps the stores in this order; a processor that is reset alone does by itself.
enum { MARK_AT = 69 }; // bytes from the slice's start
#if defined(__GNUC__) && !defined(__FRAMAC__)
#define BM_IN_ORDER() __asm__ volatile ("" : : : "memory")
#else
#define BM_IN_ORDER() ((void)0)
#endif

#ifndef BOARDMAPS_UNMARKED // the benchmark that says what the mark costs defines it
#define BM_MARK(slice, mark) (((volatile uint8_t *)(slice))[MARK_AT] = (mark))
#else
#define BM_MARK(slice, mark) ((void)(slice))
#endif

static inline void bm_begin(uint32_t *slice) {
    BM_MARK(slice, 1);
    BM_IN_ORDER();
}

static inline void bm_end(uint32_t *slice) {
    BM_IN_ORDER();
    BM_MARK(slice, 0);
}

static inline uint8_t *bm_at(uint32_t *slice, uint32_t offset) {
    return (uint8_t *)slice + offset;
}

// memcpy() of what may be no bytes at no address.
static inline void bm_copy(void *to, const void *from, size_t n) {
    if (n) {
        memcpy(to, from, n);
    }
}

static inline uint32_t bm_least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

#endif
