// A ring of records: the functions of a RingBuf over core/ring.h.

#include "kernel.h"
#include "core/ring.h"

static mp_obj_t refused(const bm_map_t *m, qstr op, mp_obj_t bytes) {
    return bm_tell(m, MP_QSTR__room_in, 2, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(op), bytes });
}

static mp_obj_t ring_output(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t data;
    if (!bm_get(args[0], &data, MP_BUFFER_READ) || !h[SIZE]) {
        return refused(m, MP_QSTR_output, args[0]);
    }
    mp_uint_t state = bm_enter();
    bool done = bm_ring_output(h, data.buf, data.len);
    bm_leave(state);
    return mp_obj_new_bool(done);
}

static mp_obj_t ring_read_into(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t out;
    if (!bm_get(args[0], &out, MP_BUFFER_WRITE) || !h[SIZE]) {
        return refused(m, MP_QSTR_read_into, args[0]);
    }
    mp_uint_t state = bm_enter();
    mp_int_t n = bm_ring_read(h, out.buf, out.len);
    bm_leave(state);
    return n < -1 ? bm_tell(m, MP_QSTR__too_short, 1, args) : MP_OBJ_NEW_SMALL_INT(n);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_output, 1, 1, { MP_QSTR_data }, ring_output },
    { MP_QSTR_read_into, 1, 1, { MP_QSTR_out }, ring_read_into },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

// claim(view, length): reserve a record; return where it is, from the slice's start, or 0.
static mp_obj_t claim(mp_obj_t view, mp_obj_t length) {
    uint32_t *h = bm_slice(view);
    mp_uint_t n = mp_obj_get_int_truncated(length);
    mp_uint_t state = bm_enter();
    uint32_t *record = bm_ring_reserve(h, n);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(record ? (record - h) * 4 : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(claim_obj, claim);

// finish(view, at, data, discard): copy `data` into the record at `at`, or mark it as discarded.
static mp_obj_t finish(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]), at = mp_obj_get_int(args[1]);
    const void *data = bm_bytes(args[2], MP_BUFFER_READ).buf;
    bool discard = mp_obj_is_true(args[3]);
    mp_uint_t state = bm_enter();
    bm_ring_finish(h, at, data, discard);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(finish_obj, 4, 4, finish);

// passed(view): pass discarded records; return where the next record is, from the slice's start, 0 when there is none.
static mp_obj_t passed(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    uint32_t *record = bm_ring_next(h);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(record ? (record - h) * 4 : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(passed_obj, passed);

// clear(view, force): throw away all records; False, and nothing happens, while one is reserved, but by force.
static mp_obj_t clear(mp_obj_t view, mp_obj_t force_in) {
    uint32_t *h = bm_slice(view);
    bool force = mp_obj_is_true(force_in);
    mp_uint_t state = bm_enter();
    bool all = bm_ring_clear(h, force);
    bm_leave(state);
    return mp_obj_new_bool(all);
}
static MP_DEFINE_CONST_FUN_OBJ_2(clear_obj, clear);

static const bm_function_t functions[] = {
    { MP_QSTR_drive, &drive_obj },
    { MP_QSTR_claim, &claim_obj },
    { MP_QSTR_finish, &finish_obj },
    { MP_QSTR_passed, &passed_obj },
    { MP_QSTR_clear, &clear_obj },
    { 0 },
};

const bm_kernels_t bm_ring = BM_KERNELS;
