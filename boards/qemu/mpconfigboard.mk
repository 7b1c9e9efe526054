# MPS2-AN385 (Cortex-M3) with what the port's own board of that name lacks; see mpconfigboard.h and ../cmodules/mps2.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an385

CFLAGS += -mthumb -mcpu=cortex-m3 -mfloat-abi=soft
CFLAGS += -DQEMU_SOC_MPS2
CFLAGS += -DBOARDMAPS_POOL_SECTION='".kept"'
CFLAGS += -DMICROPY_HW_MCU_NAME='"Cortex-M3"'
CFLAGS += -DMP_CONFIGFILE='"$(abspath $(BOARD_DIR))/mpconfigboard.h"'

LDSCRIPT = $(BOARD_DIR)/mps2.ld
WRAPPED = mp_hal_stdin_rx_chr mp_hal_stdout_tx_strn mp_hal_stdio_poll mp_semihosting_init uart_init mp_init gc_sweep_all exit
LDFLAGS += $(foreach name,$(WRAPPED),-Wl,--wrap=$(name))

SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o

MPY_CROSS_FLAGS += -march=armv7m
MICROPY_HEAP_SIZE = 226304
MICROPY_VFS_LFS2 = 1

# A second image of the same objects, in which allocations can be made to fail: ../cmodules/mps2/fail.c.
$(BUILD)/failing.elf: $(BUILD)/firmware.elf
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=gc_alloc -Wl,--wrap=gc_realloc -o $@ $(OBJ) $(LIBS)
