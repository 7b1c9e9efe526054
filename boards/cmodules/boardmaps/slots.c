// Slots that lie as a hash table's: what hash tables, per-CPU ones and tries are walked with.

#include "kernel.h"
#include "core/hash.h"

// entry_at(view, slot, key, value): copy the first entry at or behind `slot`; return the slot behind it, 0 at the end.
static mp_obj_t entry_at(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_uint_t slot = mp_obj_get_int_truncated(args[1]);
    mp_buffer_info_t key = bm_bytes(args[2], MP_BUFFER_WRITE), value = bm_bytes(args[3], MP_BUFFER_WRITE);
    mp_uint_t state = bm_enter();
    slot = bm_hash_entry_at(h, slot, key.buf, key.len, value.buf, value.len);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(slot);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(bm_entry_at_obj, 4, 4, entry_at);
