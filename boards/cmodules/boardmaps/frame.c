// The line's frames: what frame.py does, with the same answers. A frame is made and checked for each request and each reply.

#include "kernel.h"
#if !MICROPY_ENABLE_DYNRUNTIME
#include "lib/uzlib/uzlib.h"
#endif

enum { HEADER = 5, CRC = 4, LEAST = HEADER + CRC };
#define MORE(n) ((n) / 128 + 1) // at least the bytes that n have more when they are stuffed; no division, which takes a library
#define SOUND 0x2144df1c // the CRC-32 of anything with its own CRC-32 behind it

// Write n bytes of raw without zeros; return how many there are then, at most n + n / 254 + 1.
static size_t stuff(uint8_t *out, const uint8_t *raw, size_t n) {
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
static mp_int_t unstuff(uint8_t *out, const uint8_t *data, size_t n) {
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

static mp_obj_t cobs_encode(mp_obj_t raw_in) {
    mp_buffer_info_t raw = bm_bytes(raw_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, raw.len + MORE(raw.len));
    made.len = stuff((uint8_t *)made.buf, raw.buf, raw.len);
    return mp_obj_new_bytes_from_vstr(&made);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cobs_encode_obj, cobs_encode);

static mp_obj_t cobs_decode(mp_obj_t data_in) {
    mp_buffer_info_t data = bm_bytes(data_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, data.len);
    mp_int_t n = unstuff((uint8_t *)made.buf, data.buf, data.len);
    if (n < 0) {
        vstr_clear(&made);
        return mp_const_none;
    }
    made.len = n;
    return mp_obj_new_bytes_from_vstr(&made);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cobs_decode_obj, cobs_decode);

// encode(kind, session, seq, ack, payload=b"") -> the frame as it goes over the wire
static mp_obj_t encode(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t payload = { 0 };
    if (n_args > 4) {
        payload = bm_bytes(args[4], MP_BUFFER_READ);
    }
    size_t n = LEAST + payload.len;
    size_t most = n + MORE(n) + 1;
    vstr_t made;
    vstr_init_len(&made, most + n); // the frame, and behind it what it is made of
    uint8_t *raw = (uint8_t *)made.buf + most;
    mp_uint_t seq = mp_obj_get_int_truncated(args[2]);
    raw[0] = mp_obj_get_int_truncated(args[0]);
    raw[1] = mp_obj_get_int_truncated(args[1]);
    raw[2] = seq;
    raw[3] = seq >> 8;
    raw[4] = mp_obj_get_int_truncated(args[3]);
    memcpy(raw + HEADER, payload.buf, payload.len);
    uint32_t crc = ~uzlib_crc32(raw, n - CRC, 0xffffffff);
    for (size_t i = 0; i < CRC; i++) {
        raw[n - CRC + i] = crc >> 8 * i;
    }
    made.len = stuff((uint8_t *)made.buf, raw, n);
    made.buf[made.len++] = 0;
    return mp_obj_new_bytes_from_vstr(&made);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(encode_obj, 4, 5, encode);

// decode(chunk) -> (kind, session, seq, ack, payload), or None when it is no sound frame
static mp_obj_t decode(mp_obj_t chunk_in) {
    mp_buffer_info_t chunk = bm_bytes(chunk_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, chunk.len);
    uint8_t *raw = (uint8_t *)made.buf;
    mp_int_t n = unstuff(raw, chunk.buf, chunk.len);
    if (n < LEAST || ~uzlib_crc32(raw, n, 0xffffffff) != SOUND) {
        vstr_clear(&made);
        return mp_const_none;
    }
    mp_obj_t parts[5] = {
        MP_OBJ_NEW_SMALL_INT(raw[0]), MP_OBJ_NEW_SMALL_INT(raw[1]), MP_OBJ_NEW_SMALL_INT(raw[2] | raw[3] << 8),
        MP_OBJ_NEW_SMALL_INT(raw[4]),
    };
    made.len = n - LEAST;
    memmove(raw, raw + HEADER, made.len);
    parts[4] = mp_obj_new_bytes_from_vstr(&made);
    return mp_obj_new_tuple(5, parts);
}
static MP_DEFINE_CONST_FUN_OBJ_1(decode_obj, decode);

static const bm_function_t functions[] = {
    { MP_QSTR_cobs_encode, &cobs_encode_obj },
    { MP_QSTR_cobs_decode, &cobs_decode_obj },
    { MP_QSTR_encode, &encode_obj },
    { MP_QSTR_decode, &decode_obj },
    { 0 },
};

const bm_kernels_t bm_frame = BM_KERNELS;
