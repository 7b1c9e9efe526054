// What the line over stdin reads with.

#include "kernel.h"
#include "py/stream.h"

// Ask ipoll, for the unix port's stdin cannot be asked itself.
static bool polled(mp_obj_t ipoll) {
    bool there = false;
    mp_obj_iter_buf_t place;
    bm_iterator_t iterator = mp_getiter(mp_call_function_1(ipoll, MP_OBJ_NEW_SMALL_INT(0)), &place);
    while (mp_iternext(iterator) != MP_OBJ_STOP_ITERATION) {
        there = true;
    }
    return there;
}

// drain(ipoll, readinto, one, buf, stream): read what is there into buf, as viper_stdio.py says; return how many bytes.
// The stream itself is asked and read, a byte at a time for it would wait for all: that is several times as fast as its methods.
static mp_obj_t drain(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t buf = bm_bytes(args[3], MP_BUFFER_WRITE);
    const mp_stream_p_t *stream = mp_get_stream_raise(args[4], MP_STREAM_OP_READ | MP_STREAM_OP_IOCTL);
    size_t n = 0;
    while (n < buf.len) {
        int error = 0;
        mp_uint_t ready = stream->ioctl(args[4], MP_STREAM_POLL, MP_STREAM_POLL_RD, &error);
        if (ready == MP_STREAM_ERROR ? !polled(args[0]) : !(ready & MP_STREAM_POLL_RD)) {
            break;
        }
        if (stream->read(args[4], (uint8_t *)buf.buf + n, 1, &error) != 1) {
            break;
        }
        n++;
    }
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(drain_obj, 5, 5, drain);

static const bm_function_t functions[] = {
    { MP_QSTR_drain, &drain_obj },
    { 0 },
};

const bm_kernels_t bm_stdio = BM_KERNELS;
