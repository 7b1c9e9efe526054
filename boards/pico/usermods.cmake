# C modules of the Pico builds; BOARDMAPS_BUILT_IN comes from the build's environment.

# pico-sdk 2.2 moved this header's folder; MicroPython 1.26 does not look there.
include_directories(${PICO_SDK_PATH}/src/rp2_common/pico_platform_common/include)

if("$ENV{BOARDMAPS_BUILT_IN}" STREQUAL "1")
    include(${CMAKE_CURRENT_LIST_DIR}/../cmodules/boardmaps/micropython.cmake)
endif()
