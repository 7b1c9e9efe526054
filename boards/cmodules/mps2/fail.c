// _fail: makes allocations on the collector's heap fail, to test what boardmaps does then.
//
// The usual image does not pass through this: the build links a second one from the same objects, in which -Wl,--wrap puts it
// before the collector's allocator (mpconfigboard.mk). The usual image's ticks and heap stay what they are.

#include "py/gc.h"
#include "py/runtime.h"

__attribute__((weak)) void *__real_gc_alloc(size_t n_bytes, unsigned int flags); // the usual image has none
__attribute__((weak)) void *__real_gc_realloc(void *old, size_t n_bytes, bool allow_move);

static mp_uint_t asked, large, first, last;
static bool counting;

// What is locked, or asks for nothing, is no allocation. Those of a module's code and of a call's state count as all others.
static bool fails(size_t n_bytes) {
    if (!counting || MP_STATE_THREAD(gc_lock_depth) > 0) {
        return false;
    }
    ++asked;
    large += n_bytes > MICROPY_BYTES_PER_GC_BLOCK;
    return first <= asked && asked <= last;
}

void *__wrap_gc_alloc(size_t n_bytes, unsigned int flags) {
    return n_bytes && fails(n_bytes) ? NULL : __real_gc_alloc(n_bytes, flags);
}

// gc_realloc calls gc_alloc inside one object file, where the linker wraps nothing.
void *__wrap_gc_realloc(void *old, size_t n_bytes, bool allow_move) {
    return n_bytes > gc_nbytes(old) && fails(n_bytes) ? NULL : __real_gc_realloc(old, n_bytes, allow_move);
}

// call(first, last, function, *arguments): call it, and let its allocations number `first` to `last` fail; none with 0, 0.
static mp_obj_t call(size_t n_args, const mp_obj_t *args) {
    if (!__real_gc_alloc) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("only the image qemu-failing.elf can do this"));
    }
    first = mp_obj_get_int(args[0]);
    last = mp_obj_get_int(args[1]);
    asked = large = 0;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        counting = true;
        mp_obj_t result = mp_call_function_n_kw(args[2], n_args - 3, 0, args + 3);
        counting = false;
        nlr_pop();
        return result;
    }
    counting = false;
    nlr_jump(nlr.ret_val);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(call_obj, 3, call);

// count() -> how many allocations there were in the last call.
static mp_obj_t count(void) {
    return MP_OBJ_NEW_SMALL_INT(asked);
}
static MP_DEFINE_CONST_FUN_OBJ_0(count_obj, count);

// large() -> how many of them were of more than one of the collector's blocks: what is looked for long where much is in use.
static mp_obj_t count_large(void) {
    return MP_OBJ_NEW_SMALL_INT(large);
}
static MP_DEFINE_CONST_FUN_OBJ_0(large_obj, count_large);

static const mp_rom_map_elem_t fail_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__fail) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&call_obj) },
    { MP_ROM_QSTR(MP_QSTR_count), MP_ROM_PTR(&count_obj) },
    { MP_ROM_QSTR(MP_QSTR_large), MP_ROM_PTR(&large_obj) },
};
static MP_DEFINE_CONST_DICT(fail_globals, fail_globals_table);

const mp_obj_module_t fail_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&fail_globals,
};

MP_REGISTER_MODULE(MP_QSTR__fail, fail_module);
