// A trie of prefixes: what an LpmTrie asks for, over core/lpm.h.

#include "kernel.h"
#include "core/lpm.h"

// op(view, key, value, what): do `what`; return an answer. The map has looked at key and value.
static mp_obj_t op(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_int_t what = mp_obj_get_int(args[3]);
    mp_buffer_info_t key = bm_bytes(args[1], MP_BUFFER_READ), value = { 0 };
    if (what != DELETE) {
        value = bm_bytes(args[2], what < LOOKUP ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    }
    mp_uint_t state = bm_enter();
    int done = bm_lpm_op(h, key.buf, value.buf, what);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(done);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(op_obj, 4, 4, op);

// clear(view): remove every prefix.
static mp_obj_t clear(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    bm_lpm_clear(h);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(clear_obj, clear);

static const bm_function_t functions[] = {
    { MP_QSTR_op, &op_obj },
    { MP_QSTR_entry_at, &bm_entry_at_obj },
    { MP_QSTR_clear, &clear_obj },
    { 0 },
};

const bm_kernels_t bm_lpm = BM_KERNELS;
