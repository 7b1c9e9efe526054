# Freezes boardmaps into a MicroPython build: `make -C ports/PORT BOARD=NAME FROZEN_MANIFEST=/path/to/this/manifest.py`,
# or `include("/path/to/this/manifest.py")` in a board's own manifest.
# Pass USER_C_MODULES=/path/to/boards/cmodules too (with CMake that folder's boardmaps/micropython.cmake) for kernels in C and the
# pool outside the heap. An RP2040 needs it: it brings the alignment without which a Cortex-M0+ reads wrong constants in frozen
# machine code. A RISC-V needs more: see boards/rv32/mpconfigboard.mk.
# The guard and the pool's size: freeze a boardmaps_config.py too, with the lines that `boardmaps boards NAME` tells.
# opt=3 drops asserts and line numbers: flash is what a frozen build is short of.
metadata(version="0.2.0", description="BPF-style maps for MicroPython boards", license="MIT")
package("boardmaps", base_path=".", opt=3)
