// Queue and stack: a ring of slots. firmware/boardmaps/kernels/viper_queue.py is the same in viper.

#include "kernel.h"

enum { FIRST = 8 }; // word of the header: index of the slot that holds the oldest value
enum { NO_ROOM = 1, BAD_SIZE = 2 }; // what _put() answers beside 0
#define STACK 23

static uint8_t *slot_at(uint32_t *h, uint32_t behind_first) {
    uint32_t slot = h[FIRST] + behind_first;
    if (slot >= h[MAX_ENTRIES]) {
        slot -= h[MAX_ENTRIES];
    }
    return bm_at(h, h[ENTRIES] + slot * h[STRIDE]);
}

static void drop_first(uint32_t *h) {
    if (++h[FIRST] == h[MAX_ENTRIES]) {
        h[FIRST] = 0;
    }
}

static int put(const bm_map_t *m, mp_obj_t value_in, bool over) {
    uint32_t *h = m->slice;
    mp_buffer_info_t value = bm_bytes(value_in, MP_BUFFER_READ);
    if (value.len != h[VALUE_SIZE]) {
        return BAD_SIZE;
    }
    mp_uint_t state = bm_enter();
    bool full = h[COUNT] == h[MAX_ENTRIES];
    if (!full || over) {
        uint8_t *slot = slot_at(h, full ? 0 : h[COUNT]); // over the oldest, or behind the newest
        if (full) {
            drop_first(h);
        } else if (++h[COUNT] > h[PEAK]) {
            h[PEAK] = h[COUNT];
        }
        memcpy(slot, value.buf, value.len);
    }
    bm_leave(state);
    return full && !over ? NO_ROOM : 0;
}

// Copy the next value into `out`, and remove it or leave it.
static mp_obj_t take(const bm_map_t *m, mp_obj_t out_in, bool remove) {
    uint32_t *h = m->slice;
    mp_buffer_info_t out = bm_bytes(out_in, MP_BUFFER_WRITE);
    if (out.len != h[VALUE_SIZE]) {
        qstr op = remove ? MP_QSTR_pop_into : MP_QSTR_peek_into;
        return bm_tell(m, MP_QSTR__refuse, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(op), mp_const_empty_bytes, out_in });
    }
    mp_uint_t state = bm_enter();
    bool found = h[COUNT];
    if (found) {
        bool newest = h[MAP_TYPE] == STACK;
        memcpy(out.buf, slot_at(h, newest ? h[COUNT] - 1 : 0), out.len);
        if (remove) {
            --h[COUNT];
            if (!newest) {
                drop_first(h);
            }
        }
    }
    bm_leave(state);
    return mp_obj_new_bool(found);
}

static mp_obj_t queue_put(const bm_map_t *m, const mp_obj_t *args) {
    return MP_OBJ_NEW_SMALL_INT(put(m, args[0], mp_obj_is_true(args[1])));
}

static mp_obj_t queue_push(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t flags;
    if (bm_flags(args[1], &flags, EXIST) && flags != NOEXIST && put(m, args[0], flags == EXIST) == 0) {
        return mp_const_none;
    }
    mp_obj_t flags_in = args[1] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[1];
    return bm_tell(m, MP_QSTR__push_failed, 2, (mp_obj_t[]) { args[0], flags_in });
}

static mp_obj_t queue_pop_into(const bm_map_t *m, const mp_obj_t *args) {
    return take(m, args[0], true);
}

static mp_obj_t queue_peek_into(const bm_map_t *m, const mp_obj_t *args) {
    return take(m, args[0], false);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_push, 1, 2, { MP_QSTR_value, MP_QSTR_flags }, queue_push },
    { MP_QSTR_pop_into, 1, 1, { MP_QSTR_out }, queue_pop_into },
    { MP_QSTR_peek_into, 1, 1, { MP_QSTR_out }, queue_peek_into },
    { MP_QSTR__put, 2, 2, { 0 }, queue_put },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

// empty(view): forget all values.
static mp_obj_t empty(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    h[COUNT] = h[FIRST] = 0;
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(empty_obj, empty);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_drive), MP_ROM_PTR(&drive_obj) },
    { MP_ROM_QSTR(MP_QSTR_empty), MP_ROM_PTR(&empty_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t bm_queue = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
