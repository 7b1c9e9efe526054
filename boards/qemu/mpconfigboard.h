// The port's configuration, and what a board has beyond it.
#include "mpconfigport.h"

#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)
#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_SYS_PS1_PS2 (1)

#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_INCLUDEFILE "mps2_os.h"

uint32_t mps2_random(void);
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC (mps2_random())

void mps2_wait(int ms);
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) mps2_wait(TIMEOUT_MS)

static inline mp_uint_t mps2_disable_irq(void) {
    mp_uint_t state;
    __asm volatile ("mrs %0, PRIMASK\n cpsid i" : "=r" (state) : : "memory");
    return state;
}
static inline void mps2_enable_irq(mp_uint_t state) {
    __asm volatile ("msr PRIMASK, %0" : : "r" (state) : "memory");
}
#define MICROPY_BEGIN_ATOMIC_SECTION() mps2_disable_irq()
#define MICROPY_END_ATOMIC_SECTION(state) mps2_enable_irq(state)
