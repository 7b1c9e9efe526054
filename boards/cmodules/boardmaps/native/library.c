// What a native module lacks of the C library; most of it the compiler calls by itself.

#include "../kernel.h"

typedef uint32_t __attribute__((may_alias)) word_t;

// The compiler would make calls of themselves of these loops.
#define AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns")))

AS_WRITTEN void *memcpy(void *to_in, const void *from_in, size_t n) {
    uint8_t *to = to_in;
    const uint8_t *from = from_in;
    if (!(((uintptr_t)to | (uintptr_t)from) & 3)) {
        for (; n >= 4; n -= 4, to += 4, from += 4) {
            *(word_t *)(void *)to = *(const word_t *)(const void *)from;
        }
    }
    while (n--) {
        *to++ = *from++;
    }
    return to_in;
}

AS_WRITTEN void *memset(void *to_in, int byte, size_t n) {
    for (uint8_t *to = to_in; n--; ) {
        *to++ = byte;
    }
    return to_in;
}

void *memmove(void *to, const void *from, size_t n) {
    return mp_fun_table.memmove_(to, from, n);
}

int memcmp(const void *a_in, const void *b_in, size_t n) {
    const uint8_t *a = a_in, *b = b_in;
    for (; n--; ++a, ++b) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

void *memchr(const void *in, int byte, size_t n) {
    for (const uint8_t *at = in; n--; ++at) {
        if (*at == byte) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}
