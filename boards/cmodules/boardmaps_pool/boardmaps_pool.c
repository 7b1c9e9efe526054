// _boardmaps_pool: the 64 KB pool outside the garbage-collected heap.
//
// The collector scans every word of a live bytearray on its heap; a static array it never sees. To everything else the
// pool stays a bytearray. It is zeroed at power-up only: a soft reset leaves its bytes as they were.

#include "py/obj.h"
#include "py/runtime.h"

#ifndef BOARDMAPS_POOL_SIZE
#define BOARDMAPS_POOL_SIZE (64 * 1024)
#endif

static uint64_t pool_bytes[BOARDMAPS_POOL_SIZE / sizeof(uint64_t)]; // 8-byte aligned, as every map's slice must be

// memory() -> bytearray over all of it: a new object of a few words each time, the same bytes.
static mp_obj_t memory(void) {
    return mp_obj_new_bytearray_by_ref(sizeof(pool_bytes), pool_bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_0(memory_obj, memory);

static const mp_rom_map_elem_t pool_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__boardmaps_pool) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&memory_obj) },
};
static MP_DEFINE_CONST_DICT(pool_globals, pool_globals_table);

const mp_obj_module_t boardmaps_pool_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&pool_globals,
};

MP_REGISTER_MODULE(MP_QSTR__boardmaps_pool, boardmaps_pool_module);
