// Queue and stack: the functions of a Queue and a Stack over core/queue.h.

#include "kernel.h"
#include "core/queue.h"

static int put(const bm_map_t *m, mp_obj_t value_in, bool over) {
    mp_buffer_info_t value;
    if (!bm_get(value_in, &value, MP_BUFFER_READ)) {
        return WRONG_SIZE;
    }
    mp_uint_t state = bm_enter();
    int done = bm_queue_put(m->slice, value.buf, value.len, over);
    bm_leave(state);
    return done;
}

// Copy the next value into `out`, and remove it or leave it.
static mp_obj_t take(const bm_map_t *m, mp_obj_t out_in, bool remove) {
    uint32_t *h = m->slice;
    mp_buffer_info_t out;
    if (!bm_get(out_in, &out, MP_BUFFER_WRITE) || out.len != h[VALUE_SIZE]) {
        qstr op = remove ? MP_QSTR_pop_into : MP_QSTR_peek_into;
        return bm_tell(m, MP_QSTR__check_out, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(op), mp_const_empty_bytes, out_in });
    }
    mp_uint_t state = bm_enter();
    bool found = bm_queue_take(h, out.buf, remove);
    bm_leave(state);
    return mp_obj_new_bool(found);
}

static mp_obj_t queue_put(const bm_map_t *m, const mp_obj_t *args) {
    return MP_OBJ_NEW_SMALL_INT(put(m, args[0], mp_obj_get_int(args[1]) & ~LOOKED_AT));
}

static mp_obj_t queue_push(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t flags;
    if (bm_flags(args[1], &flags, EXIST) && flags != NOEXIST && put(m, args[0], flags == EXIST) == 0) {
        return mp_const_none;
    }
    mp_obj_t flags_in = args[1] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[1];
    return bm_tell(m, MP_QSTR__push_failed, 2, (mp_obj_t[]) { args[0], flags_in });
}

static mp_obj_t queue_pop_into(const bm_map_t *m, const mp_obj_t *args) {
    return take(m, args[0], true);
}

static mp_obj_t queue_peek_into(const bm_map_t *m, const mp_obj_t *args) {
    return take(m, args[0], false);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_push, 1, 2, { MP_QSTR_value, MP_QSTR_flags }, queue_push },
    { MP_QSTR_pop_into, 1, 1, { MP_QSTR_out }, queue_pop_into },
    { MP_QSTR_peek_into, 1, 1, { MP_QSTR_out }, queue_peek_into },
    { MP_QSTR__put, 2, 2, { 0 }, queue_put },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

// empty(view): forget all values.
static mp_obj_t empty(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    bm_queue_empty(h);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(empty_obj, empty);

static const bm_function_t functions[] = {
    { MP_QSTR_drive, &drive_obj },
    { MP_QSTR_empty, &empty_obj },
    { 0 },
};

const bm_kernels_t bm_queue = BM_KERNELS;
