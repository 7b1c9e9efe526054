// A Bloom filter: what a BloomFilter asks for, over core/bloom.h.

#include "kernel.h"
#include "core/bloom.h"

// push(view, value): add a value. The map has looked at it.
static mp_obj_t push(mp_obj_t view, mp_obj_t value_in) {
    uint32_t *h = bm_slice(view);
    mp_buffer_info_t value = bm_bytes(value_in, MP_BUFFER_READ);
    mp_uint_t state = bm_enter();
    bm_bloom_push(h, value.buf);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(push_obj, push);

// peek(view, value): DONE when it may be there, MISS when it surely is not.
static mp_obj_t peek(mp_obj_t view, mp_obj_t value_in) {
    uint32_t *h = bm_slice(view);
    mp_buffer_info_t value = bm_bytes(value_in, MP_BUFFER_READ);
    mp_uint_t state = bm_enter();
    bool there = bm_bloom_peek(h, value.buf);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(there ? DONE : MISS);
}
static MP_DEFINE_CONST_FUN_OBJ_2(peek_obj, peek);

// clear(view): forget every value.
static mp_obj_t clear(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    bm_bloom_clear(h);
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(clear_obj, clear);

static const bm_function_t functions[] = {
    { MP_QSTR_push, &push_obj },
    { MP_QSTR_peek, &peek_obj },
    { MP_QSTR_clear, &clear_obj },
    { 0 },
};

const bm_kernels_t bm_bloom = BM_KERNELS;
