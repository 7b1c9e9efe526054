// What a native module has of MicroPython: py/dynruntime.h, what that lacks, and the guard.
//
// A native module knows its firmware by one table of functions and by no address or qstr. sim/boardmaps_sim/chips/native.py writes names.h: for
// each name in these sources MP_QSTR_name is the qstr itself where all firmware has the same one, else IN_TABLE and the place in
// the module's own table, which is filled when the module is loaded.
#ifndef BOARDMAPS_RUNTIME_H
#define BOARDMAPS_RUNTIME_H

#include <string.h>

#include "py/dynruntime.h"
#include "py/smallint.h"
#include "names.h"

enum { IN_TABLE = 0x8000 }; // in a name: the rest is the place in the table

static inline qstr bm_qstr(uint16_t name) {
    return name & IN_TABLE ? mp_native_qstr_table[name & (IN_TABLE - 1)] : name;
}
#define BM_QSTR(name) bm_qstr(name)

// Objects as firmware has them unless it keeps floats within a word; mpy_init() sees to it.
#undef MP_OBJ_NEW_QSTR
#define MP_OBJ_NEW_QSTR(name) ((mp_obj_t)(((mp_uint_t)BM_QSTR(name) << 3) | 2))

#undef mp_load_attr
#define mp_load_attr(base, name) (mp_fun_table.load_attr((base), BM_QSTR(name)))
#undef mp_load_method
#define mp_load_method(base, name, dest) (mp_fun_table.load_method((base), BM_QSTR(name), (dest)))
#undef mp_load_method_maybe
#define mp_load_method_maybe(base, name, dest) (mp_fun_table.load_method_maybe((base), BM_QSTR(name), (dest)))
#undef mp_load_global
#define mp_load_global(name) (mp_fun_table.load_global(BM_QSTR(name)))
#undef mp_store_attr
#define mp_store_attr(base, name, value) (mp_fun_table.store_attr((base), BM_QSTR(name), (value)))
#undef mp_store_global
#define mp_store_global(name, value) (mp_fun_table.store_global(BM_QSTR(name), (value)))

#undef mp_type_type // the linker knows it: a type can be constant
extern const mp_obj_type_t *bm_type_int, *bm_type_bytes, *bm_type_bytearray; // looked up once, where dynruntime.h would do it at each use
#undef mp_type_int
#define mp_type_int (*bm_type_int)
#undef mp_type_bytes
#define mp_type_bytes (*bm_type_bytes)
#undef mp_type_bytearray
#define mp_type_bytearray (*bm_type_bytearray)

#undef mp_obj_get_int // that one's result is unsigned
#define mp_obj_get_int(object) ((mp_int_t)mp_fun_table.native_from_obj((object), MP_NATIVE_TYPE_INT))
#define mp_obj_int_get_truncated(object) mp_obj_get_int_truncated(object)
#define mp_obj_equal(a, b) (mp_binary_op(MP_BINARY_OP_EQUAL, (a), (b)) == mp_const_true)
#define mp_call_method_n_kw(n, k, call) (mp_fun_table.call_method_n_kw((n), (k), (call)))
#define mp_call_function_1(f, argument) (mp_call_function_n_kw((f), 1, 0, &(mp_obj_t) { (argument) }))
#define mp_getiter(object, place) (mp_fun_table.getiter((object), (place)), (place))
#define mp_iternext(place) (mp_fun_table.iternext(place))
typedef mp_obj_iter_buf_t *bm_iterator_t;

// The entry of a small number in a dict, which is no subclass's.
mp_map_elem_t *bm_map_lookup(mp_map_t *map, mp_obj_t number);
#define mp_map_lookup(map, number, kind) bm_map_lookup((map), (number))

// A bytes object that is filled in after it has its memory.
void bm_vstr_init_len(vstr_t *made, size_t n);
mp_obj_t bm_bytes_from_vstr(vstr_t *made);
#define vstr_init_len bm_vstr_init_len
#define vstr_clear(made) m_free((made)->buf)
#define mp_obj_new_bytes_from_vstr bm_bytes_from_vstr

// The guard. kernels/native.py says which one: the lock of a second core is what the chip has for it.
enum { NO_GUARD = 0, IRQ = 1, SPINLOCK = 2, EXCLUSIVE = 3, THREAD = 4 };
extern int bm_guarded;
void bm_lock(void);
void bm_unlock(void);

#if defined(__ARM_ARCH)
static inline mp_uint_t bm_irqs(void) {
    mp_uint_t state;
    __asm volatile ("mrs %0, PRIMASK" : "=r" (state) : : "memory");
    return state;
}
static inline void bm_irqs_off(void) {
    __asm volatile ("cpsid i" : : : "memory");
}
static inline void bm_irqs_back(mp_uint_t state) {
    __asm volatile ("msr PRIMASK, %0" : : "r" (state) : "memory");
}
#elif defined(__riscv)
static inline mp_uint_t bm_irqs(void) {
    mp_uint_t state;
    __asm volatile ("csrr %0, mstatus" : "=r" (state) : : "memory");
    return state & 8;
}
static inline void bm_irqs_off(void) {
    __asm volatile ("csrci mstatus, 8" : : : "memory");
}
static inline void bm_irqs_back(mp_uint_t state) {
    __asm volatile ("csrs mstatus, %0" : : "r" (state) : "memory");
}
#elif defined(__XTENSA__)
static inline mp_uint_t bm_irqs(void) {
    mp_uint_t state;
    __asm volatile ("rsr %0, ps" : "=r" (state) : : "memory");
    return state;
}
static inline void bm_irqs_off(void) {
    mp_uint_t state;
    __asm volatile ("rsil %0, 15" : "=r" (state) : : "memory");
}
static inline void bm_irqs_back(mp_uint_t state) {
    __asm volatile ("wsr %0, ps\n rsync" : : "r" (state) : "memory");
}
#else // a computer has no hard interrupts to hold off
static inline mp_uint_t bm_irqs(void) {
    return 0;
}
static inline void bm_irqs_off(void) {
}
static inline void bm_irqs_back(mp_uint_t state) {
    (void)state;
}
#endif

// Arm gives its state to anybody and takes it back for an instruction each, less than it takes to ask a second time for the guard.
#if defined(__ARM_ARCH)
#define ALWAYS true
#else
#define ALWAYS false
#endif

static inline mp_uint_t bm_enter(void) {
    mp_uint_t state = ALWAYS ? bm_irqs() : 0;
    if (bm_guarded != NO_GUARD) {
        if (!ALWAYS) {
            state = bm_irqs();
        }
        bm_irqs_off();
        if (bm_guarded != IRQ) {
            bm_lock();
        }
    }
    return state;
}

static inline void bm_leave(mp_uint_t state) {
    if (bm_guarded > IRQ) {
        bm_unlock();
    }
    if (ALWAYS || bm_guarded != NO_GUARD) {
        bm_irqs_back(state);
    }
}

#endif
