// What the line over stdin reads with.

#include "kernel.h"

// drain(ipoll, readinto, one, buf): read what is there into buf, byte by byte, as viper_stdio.py says; return how many bytes.
static mp_obj_t drain(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t one = bm_bytes(args[2], MP_BUFFER_READ), buf = bm_bytes(args[3], MP_BUFFER_WRITE);
    size_t n = 0;
    while (n < buf.len) {
        bool there = false;
        mp_obj_iter_buf_t place;
        bm_iterator_t polled = mp_getiter(mp_call_function_1(args[0], MP_OBJ_NEW_SMALL_INT(0)), &place);
        while (mp_iternext(polled) != MP_OBJ_STOP_ITERATION) {
            there = true;
        }
        if (!there) {
            break;
        }
        mp_call_function_1(args[1], args[2]);
        ((uint8_t *)buf.buf)[n++] = *(uint8_t *)one.buf;
    }
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(drain_obj, 4, 4, drain);

static const bm_function_t functions[] = {
    { MP_QSTR_drain, &drain_obj },
    { 0 },
};

const bm_kernels_t bm_stdio = BM_KERNELS;
