// What the pool itself needs.

#include "kernel.h"

// clear(view, n): set the first n bytes to zero.
static mp_obj_t clear(mp_obj_t view, mp_obj_t n_in) {
    mp_buffer_info_t bytes = bm_bytes(view, MP_BUFFER_WRITE);
    mp_uint_t n = mp_obj_get_int_truncated(n_in);
    memset(bytes.buf, 0, MIN(n, bytes.len));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(clear_obj, clear);

static const bm_function_t functions[] = {
    { MP_QSTR_clear, &clear_obj },
    { 0 },
};

const bm_kernels_t bm_base = BM_KERNELS;
