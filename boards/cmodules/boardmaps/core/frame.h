// The line's frames: COBS and CRC-32, what firmware/boardmaps/line/frame.py does.
#ifndef BOARDMAPS_CORE_FRAME_H
#define BOARDMAPS_CORE_FRAME_H

#include "slice.h"

enum { FRAME_HEADER = 5, FRAME_CRC = 4, FRAME_LEAST = FRAME_HEADER + FRAME_CRC };
#define FRAME_SOUND 0x2144df1c // the CRC-32 of anything with its own CRC-32 behind it

// The CRC-32 of n bytes, as binascii.crc32() has it, four bits at a time.
static inline uint32_t bm_crc32(const uint8_t *data, size_t n) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    while (n--) {
        crc ^= *data++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

// At least the bytes that n take when they are stuffed, n + n / 254 + 1. A division by 254 takes a library on an armv6m.
static inline size_t bm_stuffed(size_t n) {
    return n + n / 128 + 1;
}

// Write n bytes of raw without zeros; return how many there are then, at most bm_stuffed(n).
static inline size_t bm_stuff(uint8_t *out, const uint8_t *raw, size_t n) {
    uint8_t *to = out, *code = to++; // the code of the block that has begun
    for (const uint8_t *end = raw + n; raw < end; raw++) {
        if (*raw) {
            *to++ = *raw;
        }
        // A full block of 254 stands for no zero behind it; at the very end it is the last one.
        if (!*raw || (to - code == 255 && raw + 1 < end)) {
            *code = to - code;
            code = to++;
        }
    }
    *code = to - code;
    return to - out;
}

// Write what was stuffed into out, at most n bytes; return how many, or -1 when the data cannot be that.
static inline ptrdiff_t bm_unstuff(uint8_t *out, const uint8_t *data, size_t n) {
    uint8_t *to = out;
    size_t at = 0;
    while (at < n) {
        size_t code = data[at];
        if (!code || at + code > n) {
            return -1;
        }
        memcpy(to, data + at + 1, code - 1);
        to += code - 1;
        at += code;
        if (code != 255 && at < n) {
            *to++ = 0;
        }
    }
    return n ? to - out : -1;
}

// Take the frame out of what stood between two zeros: header, payload and CRC, at most n bytes. Return how many, or -1 when it is
// no sound frame.
static inline ptrdiff_t bm_frame_open(uint8_t *raw, const uint8_t *chunk, size_t n) {
    ptrdiff_t size = bm_unstuff(raw, chunk, n);
    return size >= FRAME_LEAST && bm_crc32(raw, size) == FRAME_SOUND ? size : -1;
}

// The most bytes that a frame with n bytes of payload takes, its zero included.
static inline size_t bm_frame_size(size_t n) {
    return bm_stuffed(FRAME_LEAST + n) + 1;
}

// Write the frame around n bytes of payload that stand behind the room for the header, at raw + FRAME_HEADER, where there is room
// for the CRC behind them too; return how many bytes it has, at most bm_frame_size(n).
static inline size_t bm_frame_close(uint8_t *out, uint8_t *raw, size_t n, uint8_t kind, uint8_t session, uint16_t seq, uint8_t ack) {
    raw[0] = kind;
    raw[1] = session;
    raw[2] = seq;
    raw[3] = seq >> 8;
    raw[4] = ack;
    uint32_t crc = bm_crc32(raw, FRAME_HEADER + n);
    for (size_t i = 0; i < FRAME_CRC; i++) {
        raw[FRAME_HEADER + n + i] = crc >> 8 * i;
    }
    size_t size = bm_stuff(out, raw, FRAME_LEAST + n);
    out[size++] = 0;
    return size;
}

#endif
