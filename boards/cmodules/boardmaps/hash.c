// A hash table: chains of slots by 16-bit links. SPEC.md draws the bytes, firmware/boardmaps/kernels/viper_hash.py is the same in viper.

#include "kernel.h"

enum { SEED = 8, MULTIPLIER = 9, MASK = 10, LINKS = 11, FREE = 15, FRESH = 16 }; // words of the header
#define FREE_BIT 0x8000 // in a link: this slot holds no entry

typedef struct {
    uint32_t before, slot; // the slot of the key and the one before it in its chain, 0 when there is none
    uint16_t *head;
    uint8_t *entry;
} place_t;

static uint16_t *links_of(uint32_t *h) {
    return (uint16_t *)bm_at(h, h[LINKS]) - 1; // slots count from 1
}

static uint8_t *entry_of(uint32_t *h, uint32_t slot) {
    return bm_at(h, h[ENTRIES] + (slot - 1) * h[STRIDE]);
}

static uint16_t *head_of(uint32_t *h, const uint8_t *key) {
    uint32_t x = h[SEED], by = h[MULTIPLIER], n = h[KEY_SIZE];
    for (; n > 1; n -= 2, key += 2) {
        x = ((x ^ (key[0] | key[1] << 8)) * by) & 0x3FFFFFFF;
        x ^= x >> 15;
    }
    if (n) {
        x = ((x ^ key[0]) * by) & 0x3FFFFFFF;
        x ^= x >> 15;
    }
    return (uint16_t *)bm_at(h, HEADER_WORDS * 4) + (x & h[MASK]);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n) {
    if (!(((uintptr_t)a | (uintptr_t)b) & 3)) {
        for (; n >= 4; n -= 4, a += 4, b += 4) {
            if (*(const uint32_t *)a != *(const uint32_t *)b) {
                return false;
            }
        }
    }
    return n == 0 || memcmp(a, b, n) == 0;
}

static place_t find(uint32_t *h, const uint8_t *key) {
    place_t p = { 0, 0, head_of(h, key), NULL };
    uint16_t *links = links_of(h);
    for (p.slot = *p.head; p.slot; p.before = p.slot, p.slot = links[p.slot]) {
        p.entry = entry_of(h, p.slot);
        if (same(p.entry, key, h[KEY_SIZE])) {
            break;
        }
    }
    return p;
}

static int create(uint32_t *h, place_t *p, const uint8_t *key) {
    uint16_t *links = links_of(h);
    uint32_t slot = h[FREE];
    if (slot) {
        h[FREE] = links[slot] & (FREE_BIT - 1);
    } else if (h[FRESH] < h[MAX_ENTRIES]) {
        slot = ++h[FRESH];
    } else {
        return FULL;
    }
    p->slot = slot;
    p->entry = entry_of(h, slot);
    memcpy(p->entry, key, h[KEY_SIZE]);
    links[slot] = *p->head;
    *p->head = slot;
    if (++h[COUNT] > h[PEAK]) {
        h[PEAK] = h[COUNT];
    }
    return DONE;
}

static void delete(uint32_t *h, place_t *p) {
    uint16_t *links = links_of(h);
    *(p->before ? &links[p->before] : p->head) = links[p->slot];
    links[p->slot] = h[FREE] | FREE_BIT;
    h[FREE] = p->slot;
    --h[COUNT];
}

// The first slot behind this one that holds an entry; 0 at the end.
static uint32_t next(uint32_t *h, uint32_t slot) {
    uint16_t *links = links_of(h);
    while (slot < h[FRESH]) {
        if (!(links[++slot] & FREE_BIT)) {
            return slot;
        }
    }
    return 0;
}

// Do `what`. The sizes are right.
static mp_int_t do_op(uint32_t *h, const uint8_t *key, uint8_t *value, int what) {
    place_t p = find(h, key);
    if (what == NEXT) {
        uint32_t slot = next(h, p.slot);
        if (!slot) {
            return MISS;
        }
        memcpy(value, entry_of(h, slot), h[KEY_SIZE]);
        return DONE;
    }
    if (!p.slot) {
        int done = what < EXIST ? create(h, &p, key) : MISS;
        if (done) {
            return done;
        }
    } else if (what == NOEXIST) {
        return EXISTS;
    }
    if (what == FIND) {
        return (uint8_t *)h - p.entry - h[VALUE];
    }
    if (what <= EXIST) {
        memcpy(p.entry + h[VALUE], value, h[VALUE_SIZE]);
    } else if (what <= TAKE) {
        memcpy(value, p.entry + h[VALUE], h[VALUE_SIZE]);
    }
    if (what == TAKE || what == DELETE) {
        delete(h, &p);
    }
    return DONE;
}

// Look at the sizes and do `what` within the guard, if `hold`.
static mp_int_t op(const bm_map_t *m, mp_obj_t key_in, mp_obj_t value_in, int what, bool hold) {
    uint32_t *h = m->slice;
    mp_buffer_info_t key = bm_bytes(key_in, MP_BUFFER_READ), value = { 0 };
    if (key.len != h[KEY_SIZE]) {
        return WRONG_SIZE;
    }
    if (what != DELETE && what != FIND) {
        value = bm_bytes(value_in, what < LOOKUP ? MP_BUFFER_READ : MP_BUFFER_WRITE);
        if (value.len != h[what == NEXT ? KEY_SIZE : VALUE_SIZE]) {
            return WRONG_SIZE;
        }
    }
    if (!hold) {
        return do_op(h, key.buf, value.buf, what);
    }
    mp_uint_t state = bm_enter();
    mp_int_t done = do_op(h, key.buf, value.buf, what);
    bm_leave(state);
    return done;
}

// _op(key, value, what), and _rows(key, value, what) for whoever holds the guard already
static mp_obj_t hash_op(const bm_map_t *m, const mp_obj_t *args) {
    return mp_obj_new_int(op(m, args[0], args[1], mp_obj_get_int(args[2]), true));
}

static mp_obj_t hash_rows(const bm_map_t *m, const mp_obj_t *args) {
    return mp_obj_new_int(op(m, args[0], args[1], mp_obj_get_int(args[2]), false));
}

static mp_obj_t hash_lookup_into(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t done = op(m, args[0], args[1], LOOKUP, true);
    if (done > MISS) {
        return bm_tell(m, MP_QSTR__refuse, 3, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_lookup_into), args[0], args[1] });
    }
    return mp_obj_new_bool(done == DONE);
}

static mp_obj_t hash_lookup(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t key = bm_bytes(args[0], MP_BUFFER_READ);
    if (key.len != h[KEY_SIZE]) {
        return bm_tell(m, MP_QSTR__refuse, 2, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(MP_QSTR_lookup), args[0] });
    }
    vstr_t value;
    vstr_init_len(&value, h[VALUE_SIZE]); // before the guard: it may run a collection
    mp_uint_t state = bm_enter();
    mp_int_t done = do_op(h, key.buf, (uint8_t *)value.buf, LOOKUP);
    bm_leave(state);
    if (done == DONE) {
        return mp_obj_new_bytes_from_vstr(&value);
    }
    vstr_clear(&value);
    return mp_const_none;
}

static mp_obj_t settle(const bm_map_t *m, qstr name, mp_obj_t key, mp_obj_t value, mp_obj_t what) {
    return bm_tell(m, MP_QSTR__settle, 4, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(name), key, value, what });
}

static mp_obj_t hash_update(const bm_map_t *m, const mp_obj_t *args) {
    mp_int_t flags;
    if (bm_flags(args[2], &flags, EXIST) && op(m, args[0], args[1], flags, true) == DONE) {
        return mp_const_none;
    }
    return settle(m, MP_QSTR_update, args[0], args[1], args[2] == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(0) : args[2]);
}

static mp_obj_t hash_delete(const bm_map_t *m, const mp_obj_t *args) {
    if (op(m, args[0], args[0], DELETE, true) == DONE) {
        return mp_const_none;
    }
    return settle(m, MP_QSTR_delete, args[0], mp_const_none, MP_OBJ_NEW_SMALL_INT(DELETE));
}

static uint8_t *locate(uint32_t *h, const void *key) {
    const mp_buffer_info_t *k = key;
    place_t p = { 0 };
    if (k->len == h[KEY_SIZE]) {
        p = find(h, k->buf);
    }
    return p.slot ? p.entry + h[VALUE] : NULL;
}

static mp_obj_t hash_add(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = bm_bytes(args[0], MP_BUFFER_READ);
    return bm_add(m, args, locate, &key);
}

static mp_obj_t hash_swap(const bm_map_t *m, const mp_obj_t *args) {
    mp_buffer_info_t key = bm_bytes(args[0], MP_BUFFER_READ);
    return bm_swap(m, args, locate, &key);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_lookup_into, 2, 2, { MP_QSTR_key, MP_QSTR_out }, hash_lookup_into },
    { MP_QSTR_lookup, 1, 1, { MP_QSTR_key }, hash_lookup },
    { MP_QSTR_update, 2, 3, { MP_QSTR_key, MP_QSTR_value, MP_QSTR_flags }, hash_update },
    { MP_QSTR_delete, 1, 1, { MP_QSTR_key }, hash_delete },
    BM_ADD(hash_add),
    BM_SWAP(hash_swap),
    { MP_QSTR__op, 3, 3, { 0 }, hash_op },
    { 0 },
};

static const bm_kind_t row_kinds[] = {
    { MP_QSTR__op, 3, 3, { 0 }, hash_op },
    { MP_QSTR__rows, 3, 3, { 0 }, hash_rows },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

static mp_obj_t drive_rows(mp_obj_t map) {
    bm_drive(map, row_kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_rows_obj, drive_rows);

// entry_at(view, slot, key, value): copy the first entry at or behind `slot`; return the slot behind it, 0 at the end.
static mp_obj_t entry_at(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]);
    mp_uint_t slot = mp_obj_get_int_truncated(args[1]);
    mp_buffer_info_t key = bm_bytes(args[2], MP_BUFFER_WRITE), value = bm_bytes(args[3], MP_BUFFER_WRITE);
    mp_uint_t state = bm_enter();
    slot = slot && slot <= h[FRESH] ? next(h, slot - 1) : 0;
    if (slot) {
        memcpy(key.buf, entry_of(h, slot), MIN(key.len, h[VALUE]));
        memcpy(value.buf, entry_of(h, slot) + h[VALUE], MIN(value.len, h[STRIDE] - h[VALUE]));
        ++slot;
    }
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(slot);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(entry_at_obj, 4, 4, entry_at);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_drive), MP_ROM_PTR(&drive_obj) },
    { MP_ROM_QSTR(MP_QSTR_drive_rows), MP_ROM_PTR(&drive_rows_obj) },
    { MP_ROM_QSTR(MP_QSTR_entry_at), MP_ROM_PTR(&entry_at_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t bm_hash = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
