// _hard_timer: a timer whose interrupt calls Python at once, to test what firmware may do in hard interrupts.
//
// The qemu port has no machine.Timer. This calls its handler as the rp2 port's Timer(hard=True) does (alarm_callback in its
// machine_timer.c): scheduler and heap are locked meanwhile, and an exception stops the timer.

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hard_timer.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define TIMER 0x40002000 // the first of the machine's two dual timers; 25 MHz
#define TIMER_LOAD 0x0
#define TIMER_CTRL 0x8
#define TIMER_INTCLEAR 0xC
#define TIMER_PERIODIC_32_BITS_WITH_IRQ 0xE2

MP_REGISTER_ROOT_POINTER(mp_obj_t hard_timer_handler);

void hard_timer_stop(void) {
    REG(TIMER + TIMER_CTRL) = 0;
    REG(TIMER + TIMER_INTCLEAR) = 1;
    MP_STATE_VM(hard_timer_handler) = mp_const_none;
}

void hard_timer_fired(void) {
    REG(TIMER + TIMER_INTCLEAR) = 1;
    mp_obj_t handler = MP_STATE_VM(hard_timer_handler);
    if (handler == mp_const_none) {
        return;
    }
    mp_sched_lock();
    gc_lock();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_0(handler);
        nlr_pop();
    } else {
        hard_timer_stop();
        mp_printf(MICROPY_ERROR_PRINTER, "uncaught exception in the hard timer's handler\n");
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    gc_unlock();
    mp_sched_unlock();
}

// start(ticks, handler): call handler() every `ticks` of 40 ns until stop().
static mp_obj_t start(mp_obj_t ticks, mp_obj_t handler) {
    hard_timer_stop();
    MP_STATE_VM(hard_timer_handler) = handler;
    REG(TIMER + TIMER_LOAD) = mp_obj_get_int(ticks);
    REG(TIMER + TIMER_CTRL) = TIMER_PERIODIC_32_BITS_WITH_IRQ;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(start_obj, start);

static mp_obj_t stop(void) {
    hard_timer_stop();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(stop_obj, stop);

static const mp_rom_map_elem_t hard_timer_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__hard_timer) },
    { MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&start_obj) },
    { MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&stop_obj) },
};
static MP_DEFINE_CONST_DICT(hard_timer_globals, hard_timer_globals_table);

const mp_obj_module_t hard_timer_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&hard_timer_globals,
};

MP_REGISTER_MODULE(MP_QSTR__hard_timer, hard_timer_module);
