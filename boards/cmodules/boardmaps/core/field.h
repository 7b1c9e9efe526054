// Numbers in a value: unsigned, little-endian, of 1, 2, 4 or 8 bytes, anywhere in it. They wrap.
#ifndef BOARDMAPS_CORE_FIELD_H
#define BOARDMAPS_CORE_FIELD_H

#include "slice.h"

// What happens to a number: firmware/boardmaps/maps/keyed.py has the same
enum { ADD = 0, OR = 1, AND = 2, XOR = 3, EXCHANGE = 4 };

// Whether there is a number of `width` bytes at `offset` in a value of `size` bytes.
static inline bool bm_field_fits(ptrdiff_t size, ptrdiff_t offset, ptrdiff_t width) {
    return (width == 1 || width == 2 || width == 4 || width == 8) && offset >= 0 && offset <= size - width;
}

static inline uint64_t bm_field_read(const uint8_t *at, int width) {
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (width) {
        case 1:
            return *at;
        case 2:
            memcpy(&two, at, 2);
            return two;
        case 4:
            memcpy(&four, at, 4);
            return four;
        default:
            memcpy(&eight, at, 8);
            return eight;
    }
}

static inline void bm_field_write(uint8_t *at, int width, uint64_t number) {
    uint16_t two = number;
    uint32_t four = number;
    switch (width) {
        case 1:
            *at = number;
            break;
        case 2:
            memcpy(at, &two, 2);
            break;
        case 4:
            memcpy(at, &four, 4);
            break;
        default:
            memcpy(at, &number, 8);
    }
}

// Write n bytes into a value of the slice, `to` is where: bm_copy() with the mark.
static inline void bm_field_put(uint32_t *h, uint8_t *to, const void *data, size_t n) {
    bm_begin(h);
    bm_copy(to, data, n);
    bm_end(h);
}

// Write a number into a value of the slice: bm_field_write() with the mark.
static inline void bm_field_store(uint32_t *h, uint8_t *at, int width, uint64_t number) {
    bm_begin(h);
    bm_field_write(at, width, number);
    bm_end(h);
}

// What a number of `width` bytes becomes.
static inline uint64_t bm_field_apply(int what, uint64_t old, uint64_t operand, int width) {
    uint64_t made = what == ADD ? old + operand : what == OR ? old | operand : what == AND ? old & operand
        : what == XOR ? old ^ operand : operand;
    return width == 8 ? made : made & UINT32_MAX >> (32 - 8 * width); // a shift of 64 bits takes a library on 32-bit processors
}

// Copy `fresh` over the value, of the slice h, when that equals `expected`; whether it did.
static inline bool bm_field_swap(uint32_t *h, uint8_t *value, const void *expected, const void *fresh, size_t n) {
    if (memcmp(value, expected, n) != 0) {
        return false;
    }
    bm_field_put(h, value, fresh, n);
    return true;
}

#endif
