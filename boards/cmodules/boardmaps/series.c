// A time series: what a TimeSeries asks for, over core/series.h.

#include "kernel.h"
#include "core/series.h"

// push(view, value, low, high): add a sample; low and high are the timestamp's halves. The value's size is right.
static mp_obj_t push(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_buffer_info_t value = bm_bytes(args[1], MP_BUFFER_READ);
    uint32_t low = mp_obj_get_int_truncated(args[2]), high = mp_obj_get_int_truncated(args[3]);
    if (value.len != h[VALUE_SIZE]) {
        mp_raise_ValueError(NULL);
    }
    mp_uint_t state = bm_enter();
    bm_series_push(h, low, high, value.buf);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(push_obj, 4, 4, push);

// get(view, number, out): copy the sample with this number to `out`, its timestamp first; False when it is not there (any more).
static mp_obj_t get(mp_obj_t view, mp_obj_t number_in, mp_obj_t out_in) {
    uint32_t *h = bm_slice(view), number = mp_obj_get_int_truncated(number_in);
    mp_buffer_info_t out = bm_bytes(out_in, MP_BUFFER_WRITE);
    if (out.len != h[VALUE_SIZE] + 8) {
        mp_raise_ValueError(NULL);
    }
    mp_uint_t state = bm_enter();
    bool found = bm_series_get(h, number, out.buf);
    bm_leave(state);
    return mp_obj_new_bool(found);
}
static MP_DEFINE_CONST_FUN_OBJ_3(get_obj, get);

static const bm_function_t functions[] = {
    { MP_QSTR_push, &push_obj },
    { MP_QSTR_get, &get_obj },
    { 0 },
};

const bm_kernels_t bm_series = BM_KERNELS;
