// Parts of a value that hash tables and arrays alone have: any bytes at an offset, and the fields of a typed map.

#include "kernel.h"
#include "core/field.h"

mp_obj_t bm_apply_field(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args) {
    mp_int_t field = mp_obj_get_int(args[2]); // what, 3 bits; from bit 4 the width, from bit 9 the offset
    bm_change_t change = { field & 7, args[1], MP_OBJ_NEW_SMALL_INT(field >> 9), MP_OBJ_NEW_SMALL_INT(field >> 4 & 15), args[3] };
    return bm_change(m, locate, key, args[0], &change);
}

mp_obj_t bm_update_part(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args) {
    mp_buffer_info_t data;
    bool any = bm_get(args[2], &data, MP_BUFFER_READ);
    mp_uint_t offset = bm_place(args[1]), size = m->slice[VALUE_SIZE];
    if (any && offset <= size && data.len <= size - offset) { // a map of a pool that was reset is of a size that fits nothing
        mp_uint_t state = bm_enter();
        uint8_t *value = locate(m->slice, key);
        if (value) {
            bm_field_put(m->slice, value + offset, data.buf, data.len);
        }
        bm_leave(state);
        if (value) {
            return mp_const_none;
        }
    }
    return bm_tell(m, MP_QSTR__unwritten, 3, args);
}

// get(key), set(key, number) or add(key, delta) of one field, made once by a map's _of_field(what, number); firmware/boardmaps/fields.py has
// the same bits, and from bit 4 on the number's width, from bit 8 on its offset.
enum { FIELD_GET = 0, FIELD_SET = 1, FIELD_ADD = 2, FIELD_WHAT = 3, FIELD_SIGNED = 4, FIELD_BOOL = 8 };

typedef struct {
    mp_obj_base_t base;
    const bm_map_t *m;
    bm_of_key_t of_key;
    uint32_t what;
    mp_obj_t number; // a bytearray of the number's width, which a change writes the number to: so it takes no heap
} field_t;

// A number as its field has it: an object, which takes heap when it is none of the small ones.
static mp_obj_t number_object(uint32_t what, uint64_t number) {
    if (what & FIELD_BOOL) {
        return mp_obj_new_bool(number != 0);
    }
    int width = what >> 4 & 15, unused = 32 - 8 * width; // a shift of 64 bits takes a library on 32-bit processors
    int64_t found = what & FIELD_SIGNED && width < 8 ? (int32_t)((uint32_t)number << unused) >> unused : (int64_t)number;
    bool small = what & FIELD_SIGNED ? found >= (int64_t)MP_SMALL_INT_MIN && found <= (int64_t)MP_SMALL_INT_MAX
        : number <= MP_SMALL_INT_POSITIVE_MASK;
    return small ? MP_OBJ_NEW_SMALL_INT(found) : mp_binary_get_val_array(what & FIELD_SIGNED ? 'q' : 'Q', &found, 0);
}

// Whether a number fits its field; of one that is not small the map's own method looks at it.
static bool fits(uint32_t what, mp_obj_t given) {
    if (given == mp_const_true || given == mp_const_false) {
        return true;
    }
    if (!mp_obj_is_small_int(given)) {
        return false;
    }
    int64_t number = MP_OBJ_SMALL_INT_VALUE(given);
    int bits = what & FIELD_BOOL ? 1 : 8 * (what >> 4 & 15) - (what & FIELD_SIGNED ? 1 : 0);
    if (bits > 32) {
        return number >= 0 || what & FIELD_SIGNED;
    }
    int64_t most = UINT32_MAX >> (32 - bits);
    return number <= most && number >= (what & FIELD_SIGNED ? -most - 1 : 0);
}

mp_obj_t bm_call_field(const void *field, bm_locate_t locate, const void *key, const mp_obj_t *args) {
    const field_t *f = field;
    const bm_map_t *m = f->m;
    uint32_t what = f->what, offset = what >> 8;
    int width = what >> 4 & 15;
    if ((what & FIELD_WHAT) == FIELD_GET) {
        uint64_t number = 0;
        mp_uint_t state = bm_enter();
        const uint8_t *value = locate(m->slice, key);
        if (value) {
            number = bm_field_read(value + offset, width);
        }
        bm_leave(state);
        return value ? number_object(what, number) : bm_tell(m, MP_QSTR__unread, 1, args);
    }
    bool adds = (what & FIELD_WHAT) == FIELD_ADD;
    if (!adds && !fits(what, args[1])) {
        return bm_tell(m, MP_QSTR__unset, 3, (mp_obj_t[]) { args[0], args[1], MP_OBJ_NEW_SMALL_INT(what) });
    }
    bm_change_t change = { adds ? ADD : EXCHANGE, args[1], MP_OBJ_NEW_SMALL_INT(offset), MP_OBJ_NEW_SMALL_INT(width), f->number };
    bm_change(m, locate, key, args[0], &change);
    mp_buffer_info_t number;
    return adds && bm_get(f->number, &number, MP_BUFFER_READ) ? number_object(what, bm_field_read(number.buf, width)) : mp_const_none;
}

static mp_obj_t field_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const field_t *f = MP_OBJ_TO_PTR(self);
    size_t wanted = (f->what & FIELD_WHAT) == FIELD_GET ? 1 : 2;
    mp_arg_check_num(n_args, n_kw, wanted, wanted, false);
    return f->of_key(f, args);
}

static MP_DEFINE_CONST_OBJ_TYPE(field_type, MP_QSTR_callable, MP_TYPE_FLAG_NONE, call, field_call);

mp_obj_t bm_make_field(const bm_map_t *m, bm_of_key_t of_key, const mp_obj_t *args) {
    mp_int_t what = mp_obj_get_int(args[0]);
    mp_buffer_info_t number;
    if (!bm_get(args[1], &number, MP_BUFFER_WRITE) || (mp_int_t)number.len != (what >> 4 & 15)
        || !bm_field_fits(m->slice[VALUE_SIZE], what >> 8, number.len)) {
        return mp_const_none;
    }
    field_t *f = mp_obj_malloc(field_t, &field_type);
    f->m = m;
    f->of_key = of_key;
    f->what = what;
    f->number = args[1];
    return MP_OBJ_FROM_PTR(f);
}
