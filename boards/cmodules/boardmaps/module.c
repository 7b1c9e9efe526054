// _boardmaps: the pool outside the garbage-collected heap, and the kernels of the maps and of the line in C, built into a firmware.
//
// The collector scans every word of a live bytearray on its heap; a static array it never sees. To everything else the
// pool stays a bytearray. A soft reset leaves its bytes as they were, and every other reset too where the linker has a section that start-up code
// does not clear: BOARDMAPS_POOL_SECTION is its name. pool.py looks at what is there.

#include "kernel.h"

#ifndef BOARDMAPS_POOL_SIZE
#define BOARDMAPS_POOL_SIZE (64 * 1024)
#endif

#if !defined(BOARDMAPS_POOL_SECTION) && defined(PICO_RP2040) && PICO_RP2040
#define BOARDMAPS_POOL_SECTION ".uninitialized_bss.boardmaps"
#elif !defined(BOARDMAPS_POOL_SECTION) && defined(PICO_BUILD) && PICO_BUILD // the RP2350; not tried
#define BOARDMAPS_POOL_SECTION ".uninitialized_data.boardmaps"
#endif

#ifdef BOARDMAPS_POOL_SECTION
#define KEPT MP_ROM_TRUE
#define SECTION __attribute__((section(BOARDMAPS_POOL_SECTION)))
#else
#define KEPT MP_ROM_FALSE
#define SECTION
#endif

static uint64_t pool_bytes[BOARDMAPS_POOL_SIZE / sizeof(uint64_t)] SECTION; // 8-byte aligned, as every map's slice must be

bool bm_guarded;

// memory() -> bytearray over all of it: a new object of a few words each time, the same bytes.
static mp_obj_t memory(void) {
    return mp_obj_new_bytearray_by_ref(sizeof(pool_bytes), pool_bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_0(memory_obj, memory);

// guard(on): whether the kernels hold the port's atomic section.
static mp_obj_t guard(mp_obj_t on) {
    bm_guarded = mp_obj_is_true(on);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(guard_obj, guard);

// enter() and leave(state): that section, for what is not in C.
static mp_obj_t enter(void) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    return mp_obj_new_int_from_uint(state);
}
static MP_DEFINE_CONST_FUN_OBJ_0(enter_obj, enter);

static mp_obj_t leave(mp_obj_t state_in) {
    mp_uint_t state = mp_obj_get_int_truncated(state_in);
    MICROPY_END_ATOMIC_SECTION(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(leave_obj, leave);

static const mp_rom_map_elem_t module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__boardmaps) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&memory_obj) },
    { MP_ROM_QSTR(MP_QSTR_kept), KEPT }, // whether a reset leaves the pool's bytes as they were
    { MP_ROM_QSTR(MP_QSTR_guard), MP_ROM_PTR(&guard_obj) },
    { MP_ROM_QSTR(MP_QSTR_enter), MP_ROM_PTR(&enter_obj) },
    { MP_ROM_QSTR(MP_QSTR_leave), MP_ROM_PTR(&leave_obj) },
    { MP_ROM_QSTR(MP_QSTR_hash), MP_ROM_PTR(&bm_hash) },
    { MP_ROM_QSTR(MP_QSTR_array), MP_ROM_PTR(&bm_array) },
    { MP_ROM_QSTR(MP_QSTR_queue), MP_ROM_PTR(&bm_queue) },
    { MP_ROM_QSTR(MP_QSTR_ring), MP_ROM_PTR(&bm_ring) },
    { MP_ROM_QSTR(MP_QSTR_series), MP_ROM_PTR(&bm_series) },
    { MP_ROM_QSTR(MP_QSTR_percpu), MP_ROM_PTR(&bm_percpu) },
    { MP_ROM_QSTR(MP_QSTR_lpm), MP_ROM_PTR(&bm_lpm) },
    { MP_ROM_QSTR(MP_QSTR_bloom), MP_ROM_PTR(&bm_bloom) },
    { MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&bm_check) },
    { MP_ROM_QSTR(MP_QSTR_base), MP_ROM_PTR(&bm_base) },
    { MP_ROM_QSTR(MP_QSTR_stdio), MP_ROM_PTR(&bm_stdio) },
    { MP_ROM_QSTR(MP_QSTR_frame), MP_ROM_PTR(&bm_frame) },
    { MP_ROM_QSTR(MP_QSTR_line), MP_ROM_PTR(&bm_line_obj) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t boardmaps_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR__boardmaps, boardmaps_module);
