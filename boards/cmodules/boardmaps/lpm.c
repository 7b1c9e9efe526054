// A trie of prefixes: what an LpmTrie asks for, over core/lpm.h.

#include "kernel.h"
#include "core/lpm.h"

// op(view, key, value, what): look at the sizes and do `what`; return an answer.
static mp_obj_t op(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_int_t what = mp_obj_get_int(args[3]);
    mp_buffer_info_t key = bm_bytes(args[1], MP_BUFFER_READ), value = { 0 };
    if (what != DELETE) {
        value = bm_bytes(args[2], what < LOOKUP ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    }
    if (!bm_hash_fits(h, key.len, value.len, what)) {
        return MP_OBJ_NEW_SMALL_INT(WRONG_SIZE);
    }
    mp_uint_t state = bm_enter();
    int done = bm_lpm_op(h, key.buf, value.buf, what);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(done);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(op_obj, 4, 4, op);

// entry_at(view, slot, key, value): copy the first entry at or behind `slot`; return the slot behind it, 0 at the end.
static mp_obj_t entry_at(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_uint_t slot = mp_obj_get_int_truncated(args[1]);
    mp_buffer_info_t key = bm_bytes(args[2], MP_BUFFER_WRITE), value = bm_bytes(args[3], MP_BUFFER_WRITE);
    mp_uint_t state = bm_enter();
    slot = bm_hash_entry_at(h, slot, key.buf, key.len, value.buf, value.len); // slots lie as a hash table's
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(slot);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(entry_at_obj, 4, 4, entry_at);

// clear(view): remove every prefix.
static mp_obj_t clear(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    bm_lpm_clear(h);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(clear_obj, clear);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_op), MP_ROM_PTR(&op_obj) },
    { MP_ROM_QSTR(MP_QSTR_entry_at), MP_ROM_PTR(&entry_at_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&clear_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t bm_lpm = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
