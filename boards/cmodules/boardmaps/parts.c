// Parts of a value: what hash tables, arrays and per-CPU maps do with the number at an offset, and with a value that is as expected.

#include "kernel.h"
#include "core/field.h"

// The lowest 64 bits of a number of any size.
static uint64_t low_bits(mp_obj_t number) {
    uint64_t n;
    mp_binary_set_val_array('Q', &n, 0, number); // takes no heap
    return n;
}

mp_int_t bm_place(mp_obj_t number) {
    if (number == mp_const_true || number == mp_const_false) {
        return number == mp_const_true;
    }
    return mp_obj_is_small_int(number) ? MP_OBJ_SMALL_INT_VALUE(number) : -1;
}

mp_obj_t bm_change(const bm_map_t *m, bm_locate_t locate, const void *key, mp_obj_t key_in, const bm_change_t *c) {
    uint64_t operand = low_bits(c->operand), had = 0;
    uint32_t *h = m->slice; // no call from here to the end moves it
    mp_int_t size = h[VALUE_SIZE];
    mp_int_t offset = bm_place(c->offset);
    mp_int_t width = c->width == mp_const_none ? size - offset : bm_place(c->width);
    bool into = c->out != mp_const_none;
    mp_buffer_info_t out = { 0 };
    bool fits = !into || bm_get(c->out, &out, MP_BUFFER_WRITE);
    if (fits && bm_field_fits(size, offset, width) && (!into || (mp_int_t)out.len == width)) {
        uint8_t *value = NULL;
        mp_obj_t made = MP_OBJ_NULL;
        do { // once, but where the number takes heap: that is had before anything changes
            bool done = false;
            uint64_t number = 0;
            mp_uint_t state = bm_enter();
            value = locate(h, key);
            if (value) {
                uint64_t old = bm_field_read(value + offset, width);
                uint64_t fresh = bm_field_apply(c->what, old, operand, width);
                number = c->what == ADD ? fresh : old;
                done = into || number <= MP_SMALL_INT_POSITIVE_MASK || (made != MP_OBJ_NULL && number == had);
                if (done) {
                    bm_field_store(h, value + offset, width, fresh);
                }
            }
            bm_leave(state);
            if (done) {
                if (into) {
                    bm_field_write(out.buf, width, number);
                    return mp_const_none;
                }
                return number <= MP_SMALL_INT_POSITIVE_MASK ? MP_OBJ_NEW_SMALL_INT(number) : made;
            }
            if (value) {
                had = number;
                made = mp_binary_get_val_array('Q', &number, 0);
            }
        } while (value);
    }
    return bm_tell(m, MP_QSTR__unchanged, 5, (mp_obj_t[]) { MP_OBJ_NEW_SMALL_INT(c->what), key_in, c->offset, c->width, c->out });
}

mp_obj_t bm_add(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args) {
    bm_change_t change = { ADD, args[1], args[2] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[2],
        args[3] == MP_OBJ_NULL ? mp_const_none : args[3], mp_const_none };
    return bm_change(m, locate, key, args[0], &change);
}

mp_obj_t bm_swap(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args) {
    mp_buffer_info_t expected, fresh;
    bool both = bm_get(args[1], &expected, MP_BUFFER_READ) & bm_get(args[2], &fresh, MP_BUFFER_READ);
    uint32_t size = m->slice[VALUE_SIZE];
    uint8_t *value = NULL;
    if (both && expected.len == size && fresh.len == size) {
        bool same = false;
        mp_uint_t state = bm_enter();
        value = locate(m->slice, key);
        if (value) {
            same = bm_field_swap(m->slice, value, expected.buf, fresh.buf, size);
        }
        bm_leave(state);
        if (value) {
            return mp_obj_new_bool(same);
        }
    }
    return bm_tell(m, MP_QSTR__unswapped, 3, args);
}
