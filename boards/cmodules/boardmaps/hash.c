// A hash table: the functions of a HashMap over core/hash.h.

#include "kernel.h"
#include "core/hash.h"

// Look at the sizes and do `what` within the guard.
static mp_int_t op(const bm_map_t *m, mp_obj_t key_in, mp_obj_t value_in, int what) {
    uint32_t *h = m->slice;
    mp_buffer_info_t key, value = { 0 };
    if (!bm_get(key_in, &key, MP_BUFFER_READ)) {
        return WRONG_SIZE;
    }
    if (what != DELETE && what != FIND && !bm_get(value_in, &value, what < LOOKUP ? MP_BUFFER_READ : MP_BUFFER_WRITE)) {
        return WRONG_SIZE;
    }
    if (!bm_hash_fits(h, key.len, value.len, what)) {
        return WRONG_SIZE;
    }
    mp_uint_t state = bm_enter();
    mp_int_t done = bm_hash_op(h, key.buf, value.buf, what);
    bm_leave(state);
    return done;
}

mp_obj_t bm_hash_op_call(const bm_map_t *m, const mp_obj_t *args) {
    return mp_obj_new_int(op(m, args[0], args[1], mp_obj_get_int(args[2]) & ~LOOKED_AT));
}

static mp_obj_t hash_lookup_into(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t done = op(m, args[0], args[1], LOOKUP);
    if (done > MISS) {
        return bm_tell(m, MP_QSTR__check_out, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_lookup_into), args[0], args[1] });
    }
    return mp_obj_new_bool(done == DONE);
}

static mp_obj_t hash_lookup(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t key;
    if (!bm_get(args[0], &key, MP_BUFFER_READ) || key.len != h[KEY_SIZE]) {
        return bm_tell(m, MP_QSTR__key, 2, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_lookup), args[0] });
    }
    vstr_t value;
    vstr_init_len(&value, h[VALUE_SIZE]); // before the guard: it may run a collection
    mp_uint_t state = bm_enter();
    mp_int_t done = bm_hash_op(h, key.buf, (uint8_t *)value.buf, LOOKUP);
    bm_leave(state);
    if (done == DONE) {
        return mp_obj_new_bytes_from_vstr(&value);
    }
    vstr_clear(&value);
    return mp_const_none;
}

static mp_obj_t settle(const bm_map_t *m, qstr name, mp_obj_t key, mp_obj_t value, mp_obj_t what) {
    return bm_tell(m, MP_QSTR__settle, 4, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(name), key, value, what });
}

static mp_obj_t hash_update(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t flags;
    if (bm_flags(args[2], &flags, EXIST) && op(m, args[0], args[1], flags) == DONE) {
        return mp_const_none;
    }
    return settle(m, MP_QSTR_update, args[0], args[1], args[2] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[2]);
}

static mp_obj_t hash_delete(const bm_map_t *m, const mp_obj_t *args) {
    if (op(m, args[0], args[0], DELETE) == DONE) {
        return mp_const_none;
    }
    return settle(m, MP_QSTR_delete, args[0], mp_const_none, MP_OBJ_NEW_SMALL_INT(DELETE));
}

// The bytes of a key; for what is none, of a length that no key has.
static mp_buffer_info_t key_of(mp_obj_t object) {
    mp_buffer_info_t key;
    if (!bm_get(object, &key, MP_BUFFER_READ)) {
        key.len = SIZE_MAX - 1; // SIZE_MAX is that of a map that is gone
    }
    return key;
}

static uint8_t *locate(uint32_t *h, const void *key) {
    const mp_buffer_info_t *k = key;
    return bm_hash_find(h, k->buf, k->len);
}

static mp_obj_t hash_add(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = key_of(args[0]);
    return bm_add(m, locate, &key, args);
}

static mp_obj_t hash_apply(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = key_of(args[0]);
    return bm_apply_field(m, locate, &key, args);
}

static mp_obj_t hash_swap(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = key_of(args[0]);
    return bm_swap(m, locate, &key, args);
}

static mp_obj_t hash_update_part(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = key_of(args[0]);
    return bm_update_part(m, locate, &key, args);
}

static mp_obj_t hash_field(const void *field, const mp_obj_t *args) {
    mp_buffer_info_t key = key_of(args[0]);
    return bm_call_field(field, locate, &key, args);
}

static mp_obj_t hash_of_field(const bm_map_t *m, const mp_obj_t *args) {
    return bm_make_field(m, hash_field, args);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_lookup_into, 2, 2, { MP_QSTR_key, MP_QSTR_out }, hash_lookup_into },
    { MP_QSTR_lookup, 1, 1, { MP_QSTR_key }, hash_lookup },
    { MP_QSTR_update, 2, 3, { MP_QSTR_key, MP_QSTR_value, MP_QSTR_flags }, hash_update },
    { MP_QSTR_delete, 1, 1, { MP_QSTR_key }, hash_delete },
    BM_ADD(hash_add),
    BM_SWAP(hash_swap),
    BM_UPDATE_PART(hash_update_part),
    BM_APPLY(hash_apply),
    BM_OF_FIELD(hash_of_field),
    { MP_QSTR__op, 3, 3, { 0 }, bm_hash_op_call },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

static const bm_function_t functions[] = {
    { MP_QSTR_drive, &drive_obj },
    { MP_QSTR_entry_at, &bm_entry_at_obj },
    { 0 },
};

const bm_kernels_t bm_hash = BM_KERNELS;
