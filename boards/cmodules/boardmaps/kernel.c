// The functions of a map, and the atomics that maps with keys share.

#include "kernel.h"

typedef struct {
    mp_obj_base_t base;
    const bm_map_t *m;
    const bm_kind_t *kind;
} function_t;

// Arguments by name, or fewer than the most.
static mp_obj_t call_with_names(const function_t *f, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const bm_kind_t *kind = f->kind;
    mp_obj_t given[4] = { MP_OBJ_NULL, MP_OBJ_NULL, MP_OBJ_NULL, MP_OBJ_NULL };
    mp_arg_check_num(n_args, n_kw, kind->least > n_kw ? kind->least - n_kw : 0, kind->most, true);
    memcpy(given, args, n_args * sizeof(mp_obj_t));
    for (const mp_obj_t *named = args + n_args; n_kw; named += 2, --n_kw) {
        size_t i = n_args;
        while (i < kind->most && named[0] != MP_OBJ_NEW_QSTR(kind->arguments[i])) {
            ++i;
        }
        if (i == kind->most || given[i] != MP_OBJ_NULL) {
            mp_raise_TypeError(MP_ERROR_TEXT("unexpected keyword argument"));
        }
        given[i] = named[1];
    }
    for (size_t i = 0; i < kind->least; ++i) {
        if (given[i] == MP_OBJ_NULL) {
            mp_raise_TypeError(MP_ERROR_TEXT("argument missing"));
        }
    }
    return kind->call(f->m, given);
}

static mp_obj_t function_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const function_t *f = MP_OBJ_TO_PTR(self);
    if (n_kw == 0 && n_args == f->kind->most) {
        return f->kind->call(f->m, args);
    }
    return call_with_names(f, n_args, n_kw, args);
}

static MP_DEFINE_CONST_OBJ_TYPE(function_type, MP_QSTR_function, MP_TYPE_FLAG_NONE, call, function_call);

// move(to): take the map's functions to the slice at this address.
static mp_obj_t map_move(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    bm_map_t *m = MP_OBJ_TO_PTR(self);
    m->slice = (uint32_t *)(uintptr_t)mp_obj_get_int_truncated(args[0]);
    return mp_const_none;
}

static MP_DEFINE_CONST_OBJ_TYPE(map_type, MP_QSTR_move, MP_TYPE_FLAG_NONE, call, map_move);

// What a map has before its first move(): no entries, and sizes that nothing has.
static const uint32_t no_slice[HEADER_WORDS] = { [KEY_SIZE] = 0xFFFFFFFF, [VALUE_SIZE] = 0xFFFFFFFF };

void bm_drive(mp_obj_t map, const bm_kind_t *kinds) {
    bm_map_t *m = mp_obj_malloc(bm_map_t, &map_type);
    m->slice = (uint32_t *)no_slice;
    m->map = map;
    mp_store_attr(map, MP_QSTR__move, MP_OBJ_FROM_PTR(m));
    for (; kinds->call; ++kinds) {
        function_t *f = mp_obj_malloc(function_t, &function_type);
        f->m = m;
        f->kind = kinds;
        mp_store_attr(map, kinds->name, MP_OBJ_FROM_PTR(f));
    }
}

mp_obj_t bm_tell(const bm_map_t *m, qstr method, size_t n, const mp_obj_t *args) {
    mp_obj_t call[2 + 4];
    mp_load_method(m->map, method, call);
    memcpy(call + 2, args, n * sizeof(mp_obj_t));
    return mp_call_method_n_kw(n, 0, call);
}

// --- atomics -----------------------------------------------------------------------------------------------------------------

// The lowest 64 bits of a number of any size.
static uint64_t low_bits(mp_obj_t number) {
    #if MICROPY_LONGINT_IMPL != MICROPY_LONGINT_IMPL_NONE
    if (mp_obj_is_exact_type(number, &mp_type_int)) {
        byte bytes[8];
        uint64_t n = 0;
        mp_obj_int_to_bytes_impl(number, true, 8, bytes);
        for (size_t i = 0; i < 8; ++i) {
            n = n << 8 | bytes[i];
        }
        return n;
    }
    #endif
    return (int64_t)mp_obj_get_int(number);
}

static mp_obj_t missing(const bm_map_t *m, qstr op, mp_obj_t key) {
    return bm_tell(m, MP_QSTR__missing, 2, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(op), key });
}

mp_obj_t bm_add(const bm_map_t *m, const mp_obj_t *args, bm_locate_t locate, const void *key) {
    uint64_t delta = low_bits(args[1]), number = 0;
    mp_obj_t offset_in = args[2] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[2];
    mp_obj_t width_in = args[3] == MP_OBJ_NULL ? mp_const_none : args[3];
    mp_int_t size = m->slice[VALUE_SIZE];
    mp_int_t offset = mp_obj_get_int(offset_in);
    mp_int_t width = width_in == mp_const_none ? size - offset : mp_obj_get_int(width_in);
    if ((width != 1 && width != 2 && width != 4 && width != 8) || offset < 0 || offset > size - width) {
        bm_tell(m, MP_QSTR__field, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_add), offset_in, width_in });
        return missing(m, MP_QSTR_add, args[0]);
    }
    mp_uint_t state = bm_enter();
    uint8_t *value = locate(m->slice, key);
    if (value) { // byte by byte: a field may lie anywhere in a value
        value += offset;
        for (mp_int_t i = width; i--; ) {
            number = number << 8 | value[i];
        }
        number += delta;
        for (mp_int_t i = 0; i < width; ++i) {
            value[i] = number >> 8 * i;
        }
    }
    bm_leave(state);
    if (!value) {
        return missing(m, MP_QSTR_add, args[0]);
    }
    number &= ~(uint64_t)0 >> (64 - 8 * width);
    return number <= MP_SMALL_INT_POSITIVE_MASK ? MP_OBJ_NEW_SMALL_INT(number) : mp_obj_new_int_from_ull(number);
}

mp_obj_t bm_swap(const bm_map_t *m, const mp_obj_t *args, bm_locate_t locate, const void *key) {
    mp_buffer_info_t expected = bm_bytes(args[1], MP_BUFFER_READ), fresh = bm_bytes(args[2], MP_BUFFER_READ);
    uint32_t size = m->slice[VALUE_SIZE];
    if (expected.len != size || fresh.len != size) {
        mp_obj_t both[] = { MP_OBJ_NEW_QSTR(MP_QSTR_compare_and_swap), args[1], args[2] };
        bm_tell(m, MP_QSTR__both, 3, both);
        return missing(m, MP_QSTR_compare_and_swap, args[0]);
    }
    bool same = false;
    mp_uint_t state = bm_enter();
    uint8_t *value = locate(m->slice, key);
    if (value) {
        same = memcmp(value, expected.buf, size) == 0;
        if (same) {
            memcpy(value, fresh.buf, size);
        }
    }
    bm_leave(state);
    return value ? mp_obj_new_bool(same) : missing(m, MP_QSTR_compare_and_swap, args[0]);
}
