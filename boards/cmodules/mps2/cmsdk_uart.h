#include "py/ringbuf.h"

// CMSDK UARTs (ARM DAI 0385D).
#define UART0 0x40004000
#define UART1 0x40005000
#define IRQ_UART0_RX 0
#define IRQ_UART1_RX 2

typedef struct {
    uint32_t base;
    ringbuf_t ring; // what has come and was not read yet
    bool stalled; // its other end has stopped reading
    bool console; // Ctrl-C in it interrupts the program
} uart_t;

extern uart_t maps_uart;

void uart_start(uart_t *uart);
void uart_received(uart_t *uart);
int uart_take(uart_t *uart);
size_t uart_send(uart_t *uart, const uint8_t *bytes, size_t count);
void maps_uart_received(void);
