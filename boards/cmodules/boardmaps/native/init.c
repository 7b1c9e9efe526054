// A native module with the kernels of some kinds: what happens when it is imported, and its guard.
//
// There are several, so that a board that needs few kinds loads little; PART_C_COMMON is loaded first. Each has guard(), `version`,
// whether it has an `exclusive` lock, and an object with the kernels of each of its kinds. kernels/native.py imports them.

#include "../kernel.h"

const mp_obj_type_t *bm_type_int, *bm_type_bytes, *bm_type_bytearray;

int bm_guarded;
uint32_t *bm_word; // of a lock
mp_obj_t bm_acquire, bm_release;

#define RP2040_SPINLOCK (*(volatile uint32_t *)0xd000013c) // number 15, kept by the SDK for an operating system: nobody else has it

#if defined(__ARM_ARCH) && __ARM_ARCH >= 7 || defined(__riscv_atomic)
#define HAS_EXCLUSIVE
#endif

void bm_lock(void) {
    if (bm_guarded == SPINLOCK) {
        while (!RP2040_SPINLOCK) {
        }
        __sync_synchronize();
    #ifdef HAS_EXCLUSIVE
    } else if (bm_guarded == EXCLUSIVE) {
        while (__atomic_exchange_n(bm_word, 1, __ATOMIC_ACQUIRE)) {
        }
    #endif
    } else {
        mp_call_function_n_kw(bm_acquire, 0, 0, NULL);
    }
}

void bm_unlock(void) {
    if (bm_guarded == SPINLOCK) {
        __sync_synchronize();
        RP2040_SPINLOCK = 1;
    #ifdef HAS_EXCLUSIVE
    } else if (bm_guarded == EXCLUSIVE) {
        __atomic_store_n(bm_word, 0, __ATOMIC_RELEASE);
    #endif
    } else {
        mp_call_function_n_kw(bm_release, 0, 0, NULL);
    }
}

// guard(which, word, acquire, release): a number of runtime.h's, and for EXCLUSIVE 4 bytes, for THREAD what takes and gives back a
// lock. The caller keeps all three.
static mp_obj_t guard(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    bm_word = bm_bytes(args[1], MP_BUFFER_WRITE).buf;
    bm_acquire = args[2];
    bm_release = args[3];
    bm_guarded = mp_obj_get_int(args[0]);
    #ifdef PART_C_COMMON
    if (bm_guarded == SPINLOCK) { // whoever held it at a reset no longer runs; this module is the first, so nobody else is in a kernel
        RP2040_SPINLOCK = 1;
    }
    #endif
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(guard_obj, 4, 4, guard);

static void give(uint16_t name, const void *object) {
    mp_store_global(name, MP_OBJ_FROM_PTR(object));
}

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    if (mp_fun_table.native_to_obj(BM_QSTR(MP_QSTR_guard), MP_NATIVE_TYPE_QSTR) != MP_OBJ_NEW_QSTR(MP_QSTR_guard)) {
        mp_raise_msg((mp_obj_type_t *)MP_OBJ_TO_PTR(mp_load_global(MP_QSTR_ValueError)), "firmware of another kind of objects");
    }
    MP_DYNRUNTIME_INIT_ENTRY
    bm_type_int = MP_OBJ_TO_PTR(mp_load_global(MP_QSTR_int));
    bm_type_bytes = MP_OBJ_TO_PTR(mp_load_global(MP_QSTR_bytes));
    bm_type_bytearray = MP_OBJ_TO_PTR(mp_load_global(MP_QSTR_bytearray));
    give(MP_QSTR_guard, &guard_obj);
    mp_store_global(MP_QSTR_version, mp_obj_new_str(VERSION, sizeof(VERSION) - 1));
    #ifdef HAS_EXCLUSIVE
    mp_store_global(MP_QSTR_exclusive, mp_const_true);
    #else
    mp_store_global(MP_QSTR_exclusive, mp_const_false);
    #endif
    #ifdef PART_C_COMMON
    give(MP_QSTR_base, &bm_base);
    give(MP_QSTR_stdio, &bm_stdio);
    give(MP_QSTR_frame, &bm_frame);
    give(MP_QSTR_line, &bm_line_obj);
    give(MP_QSTR_hash, &bm_hash);
    give(MP_QSTR_array, &bm_array);
    #elif defined(PART_C_QUEUE)
    give(MP_QSTR_queue, &bm_queue);
    give(MP_QSTR_ring, &bm_ring);
    #else
    give(MP_QSTR_series, &bm_series);
    give(MP_QSTR_percpu, &bm_percpu);
    give(MP_QSTR_lpm, &bm_lpm);
    give(MP_QSTR_bloom, &bm_bloom);
    #endif
    MP_DYNRUNTIME_INIT_EXIT
}
