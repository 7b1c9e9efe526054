// An array: the functions of an ArrayMap over core/array.h.

#include "kernel.h"
#include "core/array.h"

#define BAD_KEY 0xFFFFFFFF // no array has that many entries

// The index that a key of either form stands for, one out of range for numbers past it; BAD_KEY for what is none.
static uint32_t index_of(mp_obj_t key) {
    if (mp_obj_is_small_int(key)) {
        mp_uint_t i = MP_OBJ_SMALL_INT_VALUE(key);
        return i < BAD_KEY ? i : BAD_KEY - 1;
    }
    if (mp_obj_is_exact_type(key, &mp_type_int)) { // nearly always a large one; an array's item of 8 bytes is so, too, on 32 bits
        mp_obj_t small = MP_OBJ_NEW_SMALL_INT(mp_obj_int_get_truncated(key) & 0xFFFFFF);
        return mp_obj_equal(small, key) ? (uint32_t)MP_OBJ_SMALL_INT_VALUE(small) : BAD_KEY - 1;
    }
    mp_buffer_info_t bytes;
    if (!bm_get(key, &bytes, MP_BUFFER_READ) || bytes.len != 4) {
        return BAD_KEY;
    }
    uint32_t i = bm_array_index(bytes.buf);
    return MIN(i, BAD_KEY - 1);
}

// Inline, so that each of the functions below has a copy that knows what it does.
static inline __attribute__((always_inline)) mp_int_t op(const bm_map_t *m, mp_obj_t key, mp_obj_t value_in, int what) {
    uint32_t i = index_of(key);
    mp_buffer_info_t value = { 0 };
    if (i == BAD_KEY || (what != DELETE && !bm_get(value_in, &value, what == ANY ? MP_BUFFER_READ : MP_BUFFER_WRITE))) {
        return WRONG_SIZE;
    }
    mp_uint_t state = bm_enter();
    int done = bm_array_op(m->slice, i, value.buf, value.len, what);
    bm_leave(state);
    return done;
}

static mp_obj_t array_op(const bm_map_t *m, const mp_obj_t *args) {
    return MP_OBJ_NEW_SMALL_INT(op(m, args[0], args[1], mp_obj_get_int(args[2]) & ~LOOKED_AT));
}

static mp_obj_t array_lookup_into(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t done = op(m, args[0], args[1], LOOKUP);
    if (done > MISS) {
        return bm_tell(m, MP_QSTR__check_out, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_lookup_into), args[0], args[1] });
    }
    return mp_obj_new_bool(done == DONE);
}

static mp_obj_t array_update(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t flags;
    if (bm_flags(args[2], &flags, EXIST) && flags != NOEXIST && op(m, args[0], args[1], ANY) == DONE) {
        return mp_const_none;
    }
    mp_obj_t flags_in = args[2] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[2];
    return bm_tell(m, MP_QSTR__settle, 3, (mp_obj_t[]) { args[0], args[1], flags_in });
}

static uint8_t *locate(uint32_t *h, const void *key) {
    return bm_array_find(h, *(const uint32_t *)key);
}

static mp_obj_t array_add(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t i = index_of(args[0]);
    return bm_add(m, locate, &i, args);
}

static mp_obj_t array_apply(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t key = index_of(args[0]);
    return bm_apply_field(m, locate, &key, args);
}

static mp_obj_t array_swap(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t i = index_of(args[0]);
    return bm_swap(m, locate, &i, args);
}

static mp_obj_t array_update_part(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t i = index_of(args[0]);
    return bm_update_part(m, locate, &i, args);
}

static mp_obj_t array_field(const void *field, const mp_obj_t *args) {
    uint32_t i = index_of(args[0]);
    return bm_call_field(field, locate, &i, args);
}

static mp_obj_t array_of_field(const bm_map_t *m, const mp_obj_t *args) {
    return bm_make_field(m, array_field, args);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_lookup_into, 2, 2, { MP_QSTR_key, MP_QSTR_out }, array_lookup_into },
    { MP_QSTR_update, 2, 3, { MP_QSTR_key, MP_QSTR_value, MP_QSTR_flags }, array_update },
    BM_ADD(array_add),
    BM_SWAP(array_swap),
    BM_UPDATE_PART(array_update_part),
    BM_APPLY(array_apply),
    BM_OF_FIELD(array_of_field),
    { MP_QSTR__op, 3, 3, { 0 }, array_op },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

static const bm_function_t functions[] = {
    { MP_QSTR_drive, &drive_obj },
    { 0 },
};

const bm_kernels_t bm_array = BM_KERNELS;
