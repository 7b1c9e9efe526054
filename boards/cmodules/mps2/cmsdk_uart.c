// The MPS2's UARTs as a chip's are: an interrupt brings what comes into a buffer. A CMSDK UART itself holds one byte each way, and
// QEMU brings the next one only when it gets round to it: who waits for that in a loop keeps QEMU from it.
//
// The second one is Python's cmsdk_uart.UART(), a stream with the methods of machine.UART: the maps' own line.

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "shared/runtime/interrupt_char.h"
#include "cmsdk_uart.h"

#define REG(uart, offset) (*(volatile uint32_t *)((uart)->base + (offset)))
#define DATA 0x0
#define STATE 0x4
#define CTRL 0x8
#define INTCLEAR 0xC
#define BAUDDIV 0x10
#define TX_FULL 0x1
#define RX_FULL 0x2
#define TX_RX_ENABLE 0x3
#define RX_IRQ 0x8
#define RX_CLEAR 0x2
#define STALL_MS 500

static uint8_t maps_bytes[2049]; // a ring holds one less
uart_t maps_uart = { UART1, { maps_bytes, sizeof(maps_bytes) } };

void uart_start(uart_t *uart) {
    REG(uart, BAUDDIV) = 16;
    REG(uart, CTRL) = TX_RX_ENABLE | RX_IRQ;
    (void)REG(uart, DATA); // QEMU asks again whether there is input only after a read, not when it is enabled
}

void uart_received(uart_t *uart) {
    REG(uart, INTCLEAR) = RX_CLEAR; // first: a byte that comes while the last one is read must interrupt again
    while (REG(uart, STATE) & RX_FULL) {
        if (ringbuf_free(&uart->ring) == 0) {
            // Leave the byte in the UART: QEMU then holds back the rest, until the reader makes room.
            REG(uart, CTRL) = TX_RX_ENABLE;
            break;
        }
        int c = REG(uart, DATA);
        if (uart->console && c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&uart->ring, c);
        }
    }
}

// Return the next byte, -1 when there is none.
int uart_take(uart_t *uart) {
    mp_uint_t irq = MICROPY_BEGIN_ATOMIC_SECTION();
    int c = ringbuf_get(&uart->ring);
    if (!(REG(uart, CTRL) & RX_IRQ)) {
        REG(uart, CTRL) = TX_RX_ENABLE | RX_IRQ;
        uart_received(uart);
    }
    MICROPY_END_ATOMIC_SECTION(irq);
    return c;
}

// Return how much was sent. As over a board's USB: who reads nothing for half a second loses output, and the program goes on.
size_t uart_send(uart_t *uart, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (REG(uart, STATE) & TX_FULL) { // the clock costs more than a byte
            mp_uint_t begun = mp_hal_ticks_ms();
            while (!uart->stalled && REG(uart, STATE) & TX_FULL) {
                uart->stalled = mp_hal_ticks_ms() - begun > STALL_MS;
            }
            if (uart->stalled) {
                return i;
            }
        }
        uart->stalled = false;
        REG(uart, DATA) = bytes[i];
    }
    return count;
}

void maps_uart_received(void) {
    uart_received(&maps_uart);
}

// --- cmsdk_uart.UART -----------------------------------------------------------------------------------------------------------

static const mp_obj_type_t uart_type;
static const mp_obj_base_t uart_object = { &uart_type };

static mp_obj_t uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    (void)type;
    (void)args;
    uart_start(&maps_uart);
    return MP_OBJ_FROM_PTR(&uart_object);
}

static mp_uint_t uart_read(mp_obj_t self, void *buffer, mp_uint_t size, int *error) {
    (void)self;
    mp_uint_t n = 0;
    for (int c; n < size && (c = uart_take(&maps_uart)) != -1; ++n) {
        ((uint8_t *)buffer)[n] = c;
    }
    if (n == 0 && size != 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return n;
}

static mp_uint_t uart_write(mp_obj_t self, const void *buffer, mp_uint_t size, int *error) {
    (void)self;
    mp_uint_t n = uart_send(&maps_uart, buffer, size);
    if (n == 0 && size != 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return n;
}

static mp_uint_t uart_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *error) {
    (void)self;
    if (request != MP_STREAM_POLL) {
        *error = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
    return (arg & MP_STREAM_POLL_WR) | (ringbuf_avail(&maps_uart.ring) ? arg & MP_STREAM_POLL_RD : 0);
}

static mp_obj_t uart_any(mp_obj_t self) {
    (void)self;
    return MP_OBJ_NEW_SMALL_INT(ringbuf_avail(&maps_uart.ring));
}
static MP_DEFINE_CONST_FUN_OBJ_1(uart_any_obj, uart_any);

static const mp_rom_map_elem_t uart_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&uart_any_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
};
static MP_DEFINE_CONST_DICT(uart_locals, uart_locals_table);

static const mp_stream_p_t uart_stream = { .read = uart_read, .write = uart_write, .ioctl = uart_ioctl };

static MP_DEFINE_CONST_OBJ_TYPE(
    uart_type,
    MP_QSTR_UART,
    MP_TYPE_FLAG_ITER_IS_STREAM,
    make_new, uart_make_new,
    protocol, &uart_stream,
    locals_dict, &uart_locals
    );

static const mp_rom_map_elem_t module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_cmsdk_uart) },
    { MP_ROM_QSTR(MP_QSTR_UART), MP_ROM_PTR(&uart_type) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_table);

const mp_obj_module_t cmsdk_uart_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&module_globals };
MP_REGISTER_MODULE(MP_QSTR_cmsdk_uart, cmsdk_uart_module);
