// Per-CPU maps: the functions of a PerCpuArray and a PerCpuHash over core/percpu.h. An array's keys are indices here.

#include "kernel.h"
#include "core/percpu.h"

typedef struct {
    bm_key_t key;
    uint32_t at; // of this CPU's value in a row
} place_t;

static bm_key_t key_of(const uint32_t *h, mp_obj_t key_in) {
    bm_key_t key = { 0 };
    if (h[MAP_TYPE] == PERCPU_ARRAY || mp_obj_is_int(key_in)) { // an index too where the pool was reset: no key of any map
        key.index = mp_obj_get_int_truncated(key_in);
    } else {
        mp_buffer_info_t bytes = bm_bytes(key_in, MP_BUFFER_READ);
        key.bytes = bytes.buf;
        key.len = bytes.len;
    }
    return key;
}

// row(m, key, at, buffer, what): do `what & 15` with the bytes at `at` in m's row under the key, as many as buffer has; `what >> 4`
// says so to the other sorts. Key and buffer have been looked at.
static mp_obj_t row(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(mp_load_attr(args[0], MP_QSTR__slice));
    bm_key_t key = key_of(h, args[1]);
    uint32_t at = mp_obj_get_int(args[2]);
    mp_int_t both = mp_obj_get_int(args[4]);
    int what = both & 15;
    mp_buffer_info_t buffer = bm_bytes(args[3], what == LOOKUP && both >> 4 ? MP_BUFFER_WRITE : MP_BUFFER_READ);
    mp_uint_t state = bm_enter();
    int done = bm_row_op(h, &key, at, buffer.buf, buffer.len, what);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(done);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(row_obj, 5, 5, row);

static uint8_t *locate(uint32_t *h, const void *place_in) {
    const place_t *place = place_in;
    uint8_t *row = bm_row_find(h, &place->key);
    return row ? row + place->at : NULL;
}

// Where this CPU's value is. Bytecode may run for it: before the guard, not within.
static place_t own(const bm_map_t *m, mp_obj_t key) {
    place_t place = { key_of(m->slice, key), mp_obj_get_int(bm_tell(m, MP_QSTR__offset, 0, NULL)) };
    return place;
}

static mp_obj_t percpu_add(const bm_map_t *m, const mp_obj_t *args) {
    place_t place = own(m, args[0]);
    return bm_add(m, locate, &place, args);
}

static mp_obj_t percpu_swap(const bm_map_t *m, const mp_obj_t *args) {
    place_t place = own(m, args[0]);
    return bm_swap(m, locate, &place, args);
}

// _next(key, out): copy the key behind this one in slot order to out; 0 done, 1 at the end.
static mp_obj_t percpu_next(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t key = bm_bytes(args[0], MP_BUFFER_READ), out = bm_bytes(args[1], MP_BUFFER_WRITE);
    if (!bm_hash_fits(h, key.len, out.len, NEXT)) {
        return MP_OBJ_NEW_SMALL_INT(WRONG_SIZE);
    }
    mp_uint_t state = bm_enter();
    mp_int_t done = bm_hash_op(h, key.buf, out.buf, NEXT);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(done);
}

static const bm_kind_t array_kinds[] = {
    { MP_QSTR__add, 4, 4, { 0 }, percpu_add },
    { MP_QSTR__swap, 3, 3, { 0 }, percpu_swap },
    { 0 },
};

static const bm_kind_t hash_kinds[] = {
    { MP_QSTR__add, 4, 4, { 0 }, percpu_add },
    { MP_QSTR__swap, 3, 3, { 0 }, percpu_swap },
    { MP_QSTR__next, 2, 2, { 0 }, percpu_next },
    { 0 },
};

static mp_obj_t drive_array(mp_obj_t map) {
    bm_drive(map, array_kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_array_obj, drive_array);

static mp_obj_t drive_hash(mp_obj_t map) {
    bm_drive(map, hash_kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_hash_obj, drive_hash);

// rp2_cpu(): the RP2's CPUID, the first register of its SIO. Nothing else may call it.
static mp_obj_t rp2_cpu(void) {
    return MP_OBJ_NEW_SMALL_INT(*(volatile uint32_t *)(uintptr_t)0xd0000000);
}
static MP_DEFINE_CONST_FUN_OBJ_0(rp2_cpu_obj, rp2_cpu);

static const bm_function_t functions[] = {
    { MP_QSTR_drive_array, &drive_array_obj },
    { MP_QSTR_drive_hash, &drive_hash_obj },
    { MP_QSTR_entry_at, &bm_entry_at_obj },
    { MP_QSTR_row, &row_obj },
    { MP_QSTR_rp2_cpu, &rp2_cpu_obj },
    { 0 },
};

const bm_kernels_t bm_percpu = BM_KERNELS;
