add_library(usermod_boardmaps INTERFACE)
set(boardmaps_sources module.c kernel.c slots.c parts.c fields.c base.c stdio.c hash.c array.c queue.c ring.c series.c percpu.c lpm.c bloom.c check.c frame.c line.c)
list(TRANSFORM boardmaps_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
target_sources(usermod_boardmaps INTERFACE ${boardmaps_sources})
target_link_libraries(usermod INTERFACE usermod_boardmaps)

# Some ports build for size; these few kilobytes are there for speed.
set_source_files_properties(${boardmaps_sources} PROPERTIES COMPILE_OPTIONS "-O2")

# A Cortex-M0+ loads the constants of its machine code as words beside it, so frozen machine code must begin at a multiple of 4;
# MicroPython's mpy-tool (1.26.1) asks for 2 there, as for every other Thumb, and half the functions then read wrong
# constants and jump astray. This raises it to 4, in the file with the frozen modules alone.
set_source_files_properties(${CMAKE_BINARY_DIR}/frozen_content.c PROPERTIES COMPILE_OPTIONS "-Daligned(bytes)=__aligned__(4)")
