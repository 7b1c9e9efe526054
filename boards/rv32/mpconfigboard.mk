# QEMU's RISC-V machine as the port's own VIRT_RV32 is, but built with Debian's tool chain and with what boardmaps needs.
QEMU_ARCH = riscv32
QEMU_MACHINE = virt

# Debian's GCC has a libgcc for this name of the architecture only; in that version of the ISA it has the CSR instructions too.
RV32_ARCH = rv32imac -misa-spec=2.2

CFLAGS += -DQEMU_SOC_VIRT
CFLAGS += -DMICROPY_HW_MCU_NAME='"RV32IMAC"'
CFLAGS += -DMP_CONFIGFILE='"$(abspath $(BOARD_DIR))/mpconfigboard.h"'
CFLAGS += -I$(abspath $(BOARD_DIR))

LDSCRIPT = mcu/rv32/virt.ld

SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o

MPY_CROSS_FLAGS += -march=rv32imc
MICROPY_HEAP_SIZE = 262144

# Frozen machine code must begin at even addresses. MicroPython's mpy-tool (1.26.1) asks for that, but an assembler that takes all of
# .text for instructions sees no need to act; it does for 4, if the linker is not to move things again.
$(BUILD)/frozen_content.o: CFLAGS += '-Daligned(bytes)=__aligned__(4)' -mno-relax
