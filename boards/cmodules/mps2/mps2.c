// What MicroPython's qemu port lacks to behave like a board on the MPS2-AN385: a clock, an interrupt-driven console with Ctrl-C,
// sleeping while idle, random numbers, a reset that resets, and a boot script.
//
// The port's own functions are replaced at link time (-Wl,--wrap=name in mpconfigboard.mk): no file of MicroPython is changed.

#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpstate.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "shared/runtime/pyexec.h"
#include "cmsdk_uart.h"
#include "hard_timer.h"

#define REG(address) (*(volatile uint32_t *)(address))

// CMSDK timers (ARM DAI 0385D): they count down at 25 MHz.
#define TIMER0 0x40000000 // free-running clock
#define TIMER1 0x40001000 // one shot that ends a sleep
#define TIMER_CTRL 0x0
#define TIMER_VALUE 0x4
#define TIMER_RELOAD 0x8
#define TIMER_INTCLEAR 0xC
#define TIMER_ENABLE_WITH_IRQ 0x9
#define TICKS_PER_US 25
#define IRQ_TIMER0 8
#define IRQ_TIMER1 9
#define NVIC_ENABLE 0xE000E100
#define SCB_VTOR 0xE000ED08
#define SCB_AIRCR 0xE000ED0C
#define SEED_WORDS 0x20000000 // two words that the machine's loader puts into the second SSRAM

// The vector table that the port links ends at SysTick: a longer one in RAM takes its place. VTOR wants 256-byte alignment for 32.
static uint32_t vectors[32] __attribute__((aligned(256)));

static volatile uint32_t clock_wraps;
static uint8_t console_bytes[512];
static uart_t console = { UART0, { console_bytes, sizeof(console_bytes) }, .console = true };

// A reset loads the seed again: what was drawn goes on beyond it, so that no two boots have the same numbers.
static struct { uint64_t seed, state; } drawn __attribute__((section(".kept")));

// --- clock -------------------------------------------------------------------------------------------------------------------

static void clock_wrapped(void) {
    REG(TIMER0 + TIMER_INTCLEAR) = 1;
    clock_wraps += 1; // every 171 s
}

static uint64_t clock_ticks(void) {
    mp_uint_t irq = MICROPY_BEGIN_ATOMIC_SECTION();
    uint32_t low = ~REG(TIMER0 + TIMER_VALUE);
    if (REG(TIMER0 + TIMER_INTCLEAR)) {
        clock_wrapped();
        low = ~REG(TIMER0 + TIMER_VALUE);
    }
    uint32_t high = clock_wraps;
    MICROPY_END_ATOMIC_SECTION(irq);
    return (uint64_t)high << 32 | low;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return ~REG(TIMER0 + TIMER_VALUE);
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_ticks() / TICKS_PER_US;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_ticks() / (TICKS_PER_US * 1000);
}

// There is no clock of the day on this machine: time begins at power-up.
uint64_t mp_hal_time_ns(void) {
    return clock_ticks() * (1000 / TICKS_PER_US);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = clock_ticks() + (uint64_t)us * TICKS_PER_US;
    while (clock_ticks() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = clock_ticks() + (uint64_t)ms * TICKS_PER_US * 1000;
    for (;;) {
        mp_event_handle_nowait();
        uint64_t now = clock_ticks();
        if (now >= end) {
            return;
        }
        mp_event_wait_ms((end - now) / (TICKS_PER_US * 1000) + 1);
    }
}

static void sleep_over(void) {
    REG(TIMER1 + TIMER_CTRL) = 0;
    REG(TIMER1 + TIMER_INTCLEAR) = 1;
}

// Stop the processor until an interrupt or `ms` milliseconds (-1: no limit); not at all when there is input to read.
void mps2_wait(int ms) {
    mp_uint_t irq = MICROPY_BEGIN_ATOMIC_SECTION();
    if (ms != 0 && ringbuf_avail(&console.ring) == 0 && ringbuf_avail(&maps_uart.ring) == 0) {
        if (ms > 0) {
            uint32_t ticks = (ms > 100000 ? 100000 : ms) * TICKS_PER_US * 1000;
            REG(TIMER1 + TIMER_RELOAD) = ticks;
            REG(TIMER1 + TIMER_VALUE) = ticks;
            REG(TIMER1 + TIMER_CTRL) = TIMER_ENABLE_WITH_IRQ;
        }
        __asm volatile ("wfi"); // wakes on a pending interrupt although they are masked: no race with the check above
    }
    MICROPY_END_ATOMIC_SECTION(irq);
}

// --- console -----------------------------------------------------------------------------------------------------------------

static void console_received(void) {
    uart_received(&console);
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int c = uart_take(&console);
        if (c != -1) {
            return c;
        }
        mp_event_wait_indefinite();
    }
}

mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *bytes, size_t count) {
    return uart_send(&console, (const uint8_t *)bytes, count);
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if ((flags & MP_STREAM_POLL_RD) && ringbuf_avail(&console.ring)) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

// --- start, reset, boot script, randomness -----------------------------------------------------------------------------------

void __wrap_uart_init(void) {
    for (int i = 0; i < 16; ++i) {
        vectors[i] = ((const uint32_t *)0)[i];
    }
    vectors[16 + IRQ_UART0_RX] = (uint32_t)console_received;
    vectors[16 + IRQ_UART1_RX] = (uint32_t)maps_uart_received;
    vectors[16 + IRQ_TIMER0] = (uint32_t)clock_wrapped;
    vectors[16 + IRQ_TIMER1] = (uint32_t)sleep_over;
    vectors[16 + IRQ_HARD_TIMER] = (uint32_t)hard_timer_fired;
    REG(SCB_VTOR) = (uint32_t)vectors;
    uart_start(&console);
    REG(TIMER0 + TIMER_RELOAD) = 0xFFFFFFFF;
    REG(TIMER0 + TIMER_VALUE) = 0xFFFFFFFF;
    REG(TIMER0 + TIMER_CTRL) = TIMER_ENABLE_WITH_IRQ;
    REG(NVIC_ENABLE) = 1 << IRQ_UART0_RX | 1 << IRQ_UART1_RX | 1 << IRQ_TIMER0 | 1 << IRQ_TIMER1 | 1 << IRQ_HARD_TIMER;
    uint64_t seed = (uint64_t)REG(SEED_WORDS + 4) << 32 | REG(SEED_WORDS);
    if (drawn.seed != seed) { // the machine starts
        drawn.seed = drawn.state = seed;
    }
}

// Semihosting stays off: it would give the firmware the host's own files, and it faults when QEMU does not offer it.
void __wrap_mp_semihosting_init(void) {
}

void __real_mp_init(void);

// Runs at power-up and at each soft reset, as a board's boot does.
void __wrap_mp_init(void) {
    __real_mp_init();
    pyexec_frozen_module("_boot.py", false);
    pyexec_file_if_exists("boot.py");
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        pyexec_file_if_exists("main.py");
    }
}

void __real_gc_sweep_all(void);

// A soft reset begins: no interrupt may reach for Python objects that are about to go.
void __wrap_gc_sweep_all(void) {
    hard_timer_stop();
    __real_gc_sweep_all();
}

void __wrap_exit(int status) {
    (void)status;
    REG(SCB_AIRCR) = 0x05FA0004; // machine.reset(): restart the machine instead of leaving QEMU
    for (;;) {
    }
}

// splitmix64: as good as its seed, which the host draws; the same seed gives the same bytes.
uint32_t mps2_random(void) {
    uint64_t z = (drawn.state += 0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (z ^ z >> 31) >> 32;
}
