// The line's frames for frame.py, with the same answers as its own. A frame is made and checked for each request and reply.

#include "kernel.h"
#include "core/frame.h"

static mp_obj_t cobs_encode(mp_obj_t raw_in) {
    mp_buffer_info_t raw = bm_bytes(raw_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, bm_stuffed(raw.len));
    made.len = bm_stuff((uint8_t *)made.buf, raw.buf, raw.len);
    return mp_obj_new_bytes_from_vstr(&made);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cobs_encode_obj, cobs_encode);

static mp_obj_t cobs_decode(mp_obj_t data_in) {
    mp_buffer_info_t data = bm_bytes(data_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, data.len);
    ptrdiff_t n = bm_unstuff((uint8_t *)made.buf, data.buf, data.len);
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
    size_t most = bm_frame_size(payload.len);
    vstr_t made;
    vstr_init_len(&made, most + FRAME_LEAST + payload.len); // the frame, and behind it what it is made of
    uint8_t *raw = (uint8_t *)made.buf + most;
    bm_copy(raw + FRAME_HEADER, payload.buf, payload.len);
    made.len = bm_frame_close((uint8_t *)made.buf, raw, payload.len, mp_obj_get_int_truncated(args[0]),
        mp_obj_get_int_truncated(args[1]), mp_obj_get_int_truncated(args[2]), mp_obj_get_int_truncated(args[3]));
    return mp_obj_new_bytes_from_vstr(&made);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(encode_obj, 4, 5, encode);

// decode(chunk) -> (kind, session, seq, ack, payload), or None when it is no sound frame
static mp_obj_t decode(mp_obj_t chunk_in) {
    mp_buffer_info_t chunk = bm_bytes(chunk_in, MP_BUFFER_READ);
    vstr_t made;
    vstr_init_len(&made, chunk.len);
    uint8_t *raw = (uint8_t *)made.buf;
    ptrdiff_t n = bm_frame_open(raw, chunk.buf, chunk.len);
    if (n < 0) {
        vstr_clear(&made);
        return mp_const_none;
    }
    mp_obj_t parts[5] = {
        MP_OBJ_NEW_SMALL_INT(raw[0]), MP_OBJ_NEW_SMALL_INT(raw[1]), MP_OBJ_NEW_SMALL_INT(raw[2] | raw[3] << 8),
        MP_OBJ_NEW_SMALL_INT(raw[4]),
    };
    made.len = n - FRAME_LEAST;
    memmove(raw, raw + FRAME_HEADER, made.len);
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
