// What the layer between MicroPython and the kernels in core/ shares: the guard, and the functions that a map is given.
//
// A map of the firmware is a Python object; drive(m) stores a few of these functions in it as attributes. Each knows its map's
// slice of the pool. What succeeds happens in C alone; what does not is told by the map's own methods, the same that the
// other kernels call, so the errors are the same. Arguments, buffers, errors and the guard are dealt with here; which bytes
// change, in core/.
//
// The same files are built into a firmware (module.c) and as native modules, .mpy files that stock firmware loads (native/).
// There a qstr is no constant: the name of one is a number that can stand in a table, and BM_QSTR() makes a qstr of it. What the
// runtime takes as a qstr is given as such a number; native/runtime.h sees to it. In firmware the two are the same.
#ifndef BOARDMAPS_KERNEL_H
#define BOARDMAPS_KERNEL_H

#include "core/slice.h"

#if MICROPY_ENABLE_DYNRUNTIME
#include "native/runtime.h"
#else
#include "py/binary.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/smallint.h"

#define BM_QSTR(name) (name)
typedef mp_obj_t bm_iterator_t; // what mp_getiter() gives
#endif

enum { MOST_ARGUMENTS = 5 }; // arguments of a function

typedef struct {
    mp_obj_base_t base;
    uint32_t *slice; // aligned to 8, as all slices are; another one after move(), none of a map's after StaticPool.reset()
    mp_obj_t map;
} bm_map_t;

// A kind of function: its name in the map, how many arguments it takes, and theirs; those not given are MP_OBJ_NULL.
typedef struct {
    uint16_t name;
    uint8_t least, most;
    uint16_t arguments[4]; // the names of those that have one
    mp_obj_t (*call)(const bm_map_t *m, const mp_obj_t *args);
} bm_kind_t;

// Give a map its move() and one function of each kind, up to the one without a name.
void bm_drive(mp_obj_t map, const bm_kind_t *kinds);

// The type of what a map's move() is, a bm_map_t.
extern const mp_obj_type_t bm_map_type;

// Call a method of the map with n arguments.
mp_obj_t bm_tell(const bm_map_t *m, qstr method, size_t n, const mp_obj_t *args);

// The guard: whoever reads or writes a slice does so between these two, and raises nothing there. A firmware's holds the port's
// atomic section; that of a native module is in native/runtime.h.
#if !MICROPY_ENABLE_DYNRUNTIME
extern bool bm_guarded;

static inline mp_uint_t bm_enter(void) {
    return bm_guarded ? MICROPY_BEGIN_ATOMIC_SECTION() : 0;
}

static inline void bm_leave(mp_uint_t state) {
    if (bm_guarded) {
        MICROPY_END_ATOMIC_SECTION(state);
    }
}
#endif

static inline mp_buffer_info_t bm_bytes(mp_obj_t object, mp_uint_t access) {
    mp_buffer_info_t found;
    mp_get_buffer_raise(object, &found, access);
    return found;
}

// The bytes of an argument. False for what has none, str too, and for what must be written to and cannot be: the map's own methods
// look at it then, in the order that all kernels keep, and raise.
bool bm_get(mp_obj_t object, mp_buffer_info_t *found, mp_uint_t access);

static inline uint32_t *bm_slice(mp_obj_t view) {
    return bm_bytes(view, MP_BUFFER_WRITE).buf;
}

// Whether update() or push() can go on with these flags: none given, BPF_ANY, or another number up to `most`.
static inline bool bm_flags(mp_obj_t flags, mp_int_t *number, mp_int_t most) {
    *number = flags == MP_OBJ_NULL ? 0 : mp_obj_is_small_int(flags) ? MP_OBJ_SMALL_INT_VALUE(flags) : -1;
    return *number >= 0 && *number <= most;
}

// How the value of a key is found, within the guard: NULL where there is none, and for a key that is none.
typedef uint8_t *(*bm_locate_t)(uint32_t *slice, const void *key);

// What happens to which number of a value, and where the result goes: to `out`, or, where that is None, back as a number.
typedef struct {
    int what;
    mp_obj_t operand, offset, width, out;
} bm_change_t;

mp_obj_t bm_change(const bm_map_t *m, bm_locate_t locate, const void *key, mp_obj_t key_in, const bm_change_t *c);

// An offset or a width; -1, which is neither, for what no value reaches and for what is no number.
mp_int_t bm_place(mp_obj_t number);

// The functions that change a part of a value. They take the arguments that the macros below name.
mp_obj_t bm_add(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args);
mp_obj_t bm_apply_field(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args);
mp_obj_t bm_swap(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args);
mp_obj_t bm_update_part(const bm_map_t *m, bm_locate_t locate, const void *key, const mp_obj_t *args);
// A function of one field (fields.c), and the making of one: of_key calls it with the key that is the first of args.
typedef mp_obj_t (*bm_of_key_t)(const void *field, const mp_obj_t *args);
mp_obj_t bm_call_field(const void *field, bm_locate_t locate, const void *key, const mp_obj_t *args);
mp_obj_t bm_make_field(const bm_map_t *m, bm_of_key_t of_key, const mp_obj_t *args);
#define BM_OF_FIELD(f) { MP_QSTR__of_field, 2, 2, { 0 }, f } // what, number
#define BM_ADD(f) { MP_QSTR_add, 2, 4, { MP_QSTR_key, MP_QSTR_delta, MP_QSTR_offset, MP_QSTR_width }, f }
#define BM_SWAP(f) { MP_QSTR_compare_and_swap, 3, 3, { MP_QSTR_key, MP_QSTR_expected, MP_QSTR_new }, f }
#define BM_UPDATE_PART(f) { MP_QSTR_update_part, 3, 3, { MP_QSTR_key, MP_QSTR_offset, MP_QSTR_data }, f }
#define BM_APPLY(f) { MP_QSTR__apply, 4, 4, { 0 }, f } // key, operand, field, out

// entry_at(view, slot, key, value), of all kinds whose slots lie as a hash table's.
extern const mp_obj_fun_builtin_var_t bm_entry_at_obj;

// The kernels of a kind: an object whose attributes are these functions, up to the one without a name.
typedef struct {
    uint16_t name;
    const void *function;
} bm_function_t;

typedef struct {
    mp_obj_base_t base;
    const bm_function_t *functions;
} bm_kernels_t;

extern const mp_obj_type_t bm_kernels_type;
#define BM_KERNELS { { &bm_kernels_type }, functions }

extern const bm_kernels_t bm_base, bm_stdio, bm_frame, bm_hash, bm_array, bm_queue, bm_ring, bm_series, bm_percpu, bm_lpm, bm_bloom,
    bm_check;
extern const mp_obj_fun_builtin_fixed_t bm_line_obj;

#endif
