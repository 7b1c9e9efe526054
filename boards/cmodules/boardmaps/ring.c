// A ring of records of any length. firmware/boardmaps/kernels/viper_ring.py is the same in viper, and says what a record is.

#include "kernel.h"

enum { SIZE = MAX_ENTRIES, CONSUMER = 8, PRODUCER = 9, DROPPED = 10, NUMBER = 15, LAST = 16 }; // words of the header
#define RESERVED (1u << 29) // flags beside a record's length
#define DISCARDED (1u << 28)
#define LENGTH (DISCARDED - 1)
#define OVERWRITE (1u << 19) // BPF_F_RB_OVERWRITE

static uint32_t taken_by(uint32_t length) {
    return (length + 15) & ~7u;
}

static uint32_t *record_at(uint32_t *h, uint32_t position) {
    return (uint32_t *)bm_at(h, h[ENTRIES] + (position & (h[SIZE] - 1)));
}

// Let old records go until `taken` bytes fit, where they may.
static bool make_room(uint32_t *h, uint32_t taken) {
    while (h[PRODUCER] - h[CONSUMER] + taken >= h[SIZE]) {
        uint32_t head = *record_at(h, h[CONSUMER]);
        if (taken >= h[SIZE] || !(h[MAP_FLAGS] & OVERWRITE) || head & RESERVED) {
            return false;
        }
        h[CONSUMER] += taken_by(head & LENGTH);
        if (!(head & DISCARDED)) {
            --h[COUNT];
            ++h[DROPPED];
        }
    }
    return true;
}

// Reserve a record; NULL, and counted, when there is no room for it.
static uint32_t *reserve(uint32_t *h, uint32_t length) {
    uint32_t number = h[NUMBER]++;
    if (length >= h[SIZE] || !make_room(h, taken_by(length))) {
        ++h[DROPPED];
        return NULL;
    }
    uint32_t *record = record_at(h, h[PRODUCER]);
    record[0] = length | RESERVED;
    record[1] = number;
    h[PRODUCER] += taken_by(length);
    h[PEAK] = MAX(h[PEAK], h[PRODUCER] - h[CONSUMER]);
    return record;
}

// Copy n bytes of a record's data, which may go on at the ring's start.
static void copy(uint32_t *h, uint32_t *record, void *data, uint32_t n, bool in) {
    uint8_t *ring = bm_at(h, h[ENTRIES]), *at = (uint8_t *)(record + 2);
    uint32_t first = MIN(n, (uint32_t)(ring + h[SIZE] - at));
    if (n == 0) {
        return; // an empty buffer may have no address
    }
    if (in) {
        memcpy(at, data, first);
        memcpy(ring, (uint8_t *)data + first, n - first);
    } else {
        memcpy(data, at, first);
        memcpy((uint8_t *)data + first, ring, n - first);
    }
}

static void submit(uint32_t *h, uint32_t *record, void *data) {
    uint32_t n = record[0] & LENGTH;
    copy(h, record, data, n, true);
    record[0] = n;
    ++h[COUNT];
}

// The next record, behind those that were discarded; NULL when there is none, or it is still reserved.
static uint32_t *next(uint32_t *h) {
    while (h[CONSUMER] != h[PRODUCER]) {
        uint32_t *record = record_at(h, h[CONSUMER]);
        if (record[0] & RESERVED) {
            return NULL;
        }
        if (!(record[0] & DISCARDED)) {
            return record;
        }
        h[CONSUMER] += taken_by(record[0] & LENGTH);
    }
    return NULL;
}

static mp_obj_t failed(const bm_map_t *m, qstr op, mp_obj_t bytes) {
    return bm_tell(m, MP_QSTR__failed, 2, (mp_obj_t[]) { MP_OBJ_NEW_QSTR(op), bytes });
}

static mp_obj_t ring_output(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t data = bm_bytes(args[0], MP_BUFFER_READ);
    if (!h[SIZE]) {
        return failed(m, MP_QSTR_output, args[0]);
    }
    mp_uint_t state = bm_enter();
    uint32_t *record = reserve(h, MIN(data.len, LENGTH));
    if (record) {
        submit(h, record, data.buf);
    }
    bm_leave(state);
    return mp_obj_new_bool(record != NULL);
}

static mp_obj_t ring_read_into(const bm_map_t *m, const mp_obj_t *args) {
    uint32_t *h = m->slice;
    mp_buffer_info_t out = bm_bytes(args[0], MP_BUFFER_WRITE);
    if (!h[SIZE]) {
        return failed(m, MP_QSTR_read_into, args[0]);
    }
    bool fits = true;
    mp_int_t n = -1;
    mp_uint_t state = bm_enter();
    uint32_t *record = next(h);
    if (record) {
        n = record[0];
        fits = (mp_uint_t)n <= out.len;
        if (fits) {
            copy(h, record, out.buf, n, false);
            h[CONSUMER] += taken_by(n);
            h[LAST] = record[1];
            --h[COUNT];
        }
    }
    bm_leave(state);
    return fits ? MP_OBJ_NEW_SMALL_INT(n) : failed(m, MP_QSTR_read_into, args[0]);
}

static const bm_kind_t kinds[] = {
    { MP_QSTR_output, 1, 1, { MP_QSTR_data }, ring_output },
    { MP_QSTR_read_into, 1, 1, { MP_QSTR_out }, ring_read_into },
    { 0 },
};

static mp_obj_t drive(mp_obj_t map) {
    bm_drive(map, kinds);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

// claim(view, length): reserve a record; return where it is, from the slice's start, or 0.
static mp_obj_t claim(mp_obj_t view, mp_obj_t length) {
    uint32_t *h = bm_slice(view);
    mp_uint_t n = mp_obj_get_int_truncated(length);
    mp_uint_t state = bm_enter();
    uint32_t *record = reserve(h, MIN(n, LENGTH));
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(record ? (record - h) * 4 : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(claim_obj, claim);

// finish(view, at, data, discard): copy `data` into the record at `at`, or mark it as discarded.
static mp_obj_t finish(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint32_t *h = bm_slice(args[0]), *record = (uint32_t *)bm_at(h, mp_obj_get_int(args[1]));
    void *data = bm_bytes(args[2], MP_BUFFER_READ).buf;
    bool discard = mp_obj_is_true(args[3]);
    mp_uint_t state = bm_enter();
    if (discard) {
        record[0] = (record[0] & LENGTH) | DISCARDED;
    } else {
        submit(h, record, data);
    }
    bm_leave(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(finish_obj, 4, 4, finish);

// passed(view): pass discarded records; return where the next record is, from the slice's start, 0 when there is none.
static mp_obj_t passed(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    uint32_t *record = next(h);
    bm_leave(state);
    return MP_OBJ_NEW_SMALL_INT(record ? (record - h) * 4 : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(passed_obj, passed);

// clear(view): throw away all records; False, and nothing happens, while one is reserved.
static mp_obj_t clear(mp_obj_t view) {
    uint32_t *h = bm_slice(view);
    mp_uint_t state = bm_enter();
    uint32_t at = h[CONSUMER];
    while (at != h[PRODUCER] && !(*record_at(h, at) & RESERVED)) {
        at += taken_by(*record_at(h, at) & LENGTH);
    }
    bool all = at == h[PRODUCER];
    if (all) {
        h[CONSUMER] = at;
        h[COUNT] = 0;
    }
    bm_leave(state);
    return mp_obj_new_bool(all);
}
static MP_DEFINE_CONST_FUN_OBJ_1(clear_obj, clear);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_drive), MP_ROM_PTR(&drive_obj) },
    { MP_ROM_QSTR(MP_QSTR_claim), MP_ROM_PTR(&claim_obj) },
    { MP_ROM_QSTR(MP_QSTR_finish), MP_ROM_PTR(&finish_obj) },
    { MP_ROM_QSTR(MP_QSTR_passed), MP_ROM_PTR(&passed_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&clear_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t bm_ring = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
