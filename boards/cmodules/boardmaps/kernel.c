// The functions of a map, and what all native modules share.

#include "kernel.h"

#include "py/objarray.h"
#include "py/objstr.h"

// An attribute of a kind's kernels; what is asked for besides is not there.
static void kernels_attr(mp_obj_t self, qstr name, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return; // nothing can be set
    }
    for (const bm_function_t *f = ((const bm_kernels_t *)MP_OBJ_TO_PTR(self))->functions; f->function; ++f) {
        if (BM_QSTR(f->name) == name) {
            dest[0] = MP_OBJ_FROM_PTR(f->function);
        }
    }
}

MP_DEFINE_CONST_OBJ_TYPE(bm_kernels_type, MP_QSTR_object, MP_TYPE_FLAG_NONE, attr, kernels_attr);

typedef struct {
    mp_obj_base_t base;
    const bm_map_t *m;
    const bm_kind_t *kind;
} function_t;

// Arguments by name, or fewer than the most.
static mp_obj_t call_with_names(const function_t *f, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const bm_kind_t *kind = f->kind;
    mp_obj_t given[MOST_ARGUMENTS] = { MP_OBJ_NULL, MP_OBJ_NULL, MP_OBJ_NULL, MP_OBJ_NULL, MP_OBJ_NULL };
    mp_arg_check_num(n_args, n_kw, kind->least > n_kw ? kind->least - n_kw : 0, kind->most, true);
    memcpy(given, args, n_args * sizeof(mp_obj_t));
    for (const mp_obj_t *named = args + n_args; n_kw; named += 2, --n_kw) {
        size_t i = n_args;
        while (i < 4 && i < kind->most && named[0] != MP_OBJ_NEW_QSTR(kind->arguments[i])) {
            ++i;
        }
        if (i == 4 || i == kind->most || given[i] != MP_OBJ_NULL) {
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

static MP_DEFINE_CONST_OBJ_TYPE(function_type, MP_QSTR_callable, MP_TYPE_FLAG_NONE, call, function_call);

// move(view): take the map's functions to the slice of this view.
static mp_obj_t map_move(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    bm_map_t *m = MP_OBJ_TO_PTR(self);
    m->slice = bm_slice(args[0]);
    return mp_const_none;
}

MP_DEFINE_CONST_OBJ_TYPE(bm_map_type, MP_QSTR_callable, MP_TYPE_FLAG_NONE, call, map_move);

// What a map has before its first move(): no entries, and sizes that nothing has.
static const uint32_t no_slice[HEADER_WORDS] = { [KEY_SIZE] = 0xFFFFFFFF, [VALUE_SIZE] = 0xFFFFFFFF };

void bm_drive(mp_obj_t map, const bm_kind_t *kinds) {
    bm_map_t *m = mp_obj_malloc(bm_map_t, &bm_map_type);
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
    mp_obj_t call[2 + MOST_ARGUMENTS];
    mp_load_method(m->map, method, call);
    memcpy(call + 2, args, n * sizeof(mp_obj_t));
    return mp_call_method_n_kw(n, 0, call);
}

bool bm_get(mp_obj_t object, mp_buffer_info_t *found, mp_uint_t access) {
    if (mp_obj_is_obj(object)) { // what is given nearly always, faster than by its type's function
        const mp_obj_type_t *type = ((mp_obj_base_t *)MP_OBJ_TO_PTR(object))->type;
        if (type == &mp_type_bytearray) {
            const mp_obj_array_t *array = MP_OBJ_TO_PTR(object);
            found->buf = array->items;
            found->len = array->len;
            return true;
        }
        if (type == &mp_type_bytes && access == MP_BUFFER_READ) {
            const mp_obj_str_t *bytes = MP_OBJ_TO_PTR(object);
            found->buf = (void *)bytes->data;
            found->len = bytes->len;
            return true;
        }
    }
    return !mp_obj_is_str(object) && mp_get_buffer(object, found, access);
}
