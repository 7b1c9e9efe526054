// The buffer of a turn of the line: whole frames that have come give way to replies, from its beginning on. Replies are often longer
// than requests: then what is still to be taken moves up, as far as there is room behind it.
#ifndef BOARDMAPS_CORE_TURN_H
#define BOARDMAPS_CORE_TURN_H

#include "slice.h"

typedef struct {
    uint8_t *out; // behind the replies, which a zero stands before
    uint8_t *at, *end; // what is still to be taken
    uint8_t *begin, *most; // the buffer
} bm_turn_t;

// Begin with the n bytes that have come to a buffer of `size`, behind `before` bytes of a frame that has begun to come. False when no
// frame has ended, or there is no room for both: then the buffer is as it was.
static inline bool bm_turn_begin(bm_turn_t *t, uint8_t *buffer, size_t size, size_t n, const uint8_t *pending, size_t before) {
    if (!n || before > size - n || !memchr(buffer, 0, n)) {
        return false;
    }
    if (before) {
        memmove(buffer + before, buffer, n);
        memcpy(buffer, pending, before);
    }
    t->begin = t->out = t->at = buffer;
    t->end = buffer + before + n;
    t->most = buffer + size;
    return true;
}

// The length of the chunk that is next, at t->at: without the zeros before it and the one that ends it. 0 when none has ended.
static inline size_t bm_turn_chunk(bm_turn_t *t) {
    while (t->at < t->end && !*t->at) {
        ++t->at;
    }
    const uint8_t *zero = t->at < t->end ? memchr(t->at, 0, t->end - t->at) : NULL;
    return zero ? zero - t->at : 0;
}

// How many bytes there are for the reply's frame in place of that chunk.
static inline size_t bm_turn_room(const bm_turn_t *t, size_t chunk) {
    return t->at + chunk + 1 - t->out - (t->out == t->begin) + (t->most - t->end);
}

// Take that chunk, and return where there are n bytes now for the reply's frame, at most that many. The caller moves t->out behind it.
static inline uint8_t *bm_turn_take(bm_turn_t *t, size_t chunk, size_t n) {
    uint8_t *behind = t->at + chunk + 1;
    if (t->out == t->begin) {
        *t->out++ = 0;
    }
    t->at = t->out + n;
    if (t->at < behind) {
        t->at = behind;
    } else {
        memmove(t->at, behind, t->end - behind);
        t->end += t->at - behind;
    }
    return t->out;
}

// Bring what was not taken to behind the replies; return how many bytes that are.
static inline size_t bm_turn_end(bm_turn_t *t) {
    size_t rest = t->end - t->at;
    memmove(t->out, t->at, rest);
    return rest;
}

#endif
