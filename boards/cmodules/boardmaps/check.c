// Whether a slice is whole: what maps/check.py asks for, over core/check.h. It holds no guard, which would be for as long as the map is
// large: nothing else changes the map meanwhile.

#include "kernel.h"
#include "core/check.h"

static mp_obj_t chains(mp_obj_t view) {
    return MP_OBJ_NEW_SMALL_INT(bm_check_chains(bm_slice(view)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(chains_obj, chains);

static mp_obj_t nodes(mp_obj_t view) {
    return MP_OBJ_NEW_SMALL_INT(bm_check_nodes(bm_slice(view)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(nodes_obj, nodes);

static mp_obj_t records(mp_obj_t view) {
    return MP_OBJ_NEW_SMALL_INT(bm_check_records(bm_slice(view)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(records_obj, records);

static mp_obj_t slice(mp_obj_t view_in) {
    mp_buffer_info_t view = bm_bytes(view_in, MP_BUFFER_WRITE);
    return MP_OBJ_NEW_SMALL_INT(bm_check_slice(view.buf, view.len));
}
static MP_DEFINE_CONST_FUN_OBJ_1(slice_obj, slice);

static mp_obj_t settle(mp_obj_t view) {
    bm_check_settle(bm_slice(view));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(settle_obj, settle);

static const bm_function_t functions[] = {
    { MP_QSTR_chains, &chains_obj },
    { MP_QSTR_nodes, &nodes_obj },
    { MP_QSTR_records, &records_obj },
    { MP_QSTR_slice, &slice_obj },
    { MP_QSTR_settle, &settle_obj },
    { 0 },
};

#if MICROPY_ENABLE_DYNRUNTIME
// A native module of its own, whose globals they are: a board that never checks does not load it.
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_version, mp_obj_new_str(VERSION, sizeof(VERSION) - 1));
    for (const bm_function_t *f = functions; f->function; ++f) {
        mp_store_global(f->name, MP_OBJ_FROM_PTR(f->function));
    }
    MP_DYNRUNTIME_INIT_EXIT
}
#else
const bm_kernels_t bm_check = BM_KERNELS;
#endif
