// What the proofs share. Frama-C's value analysis (Eva) reads these files; no compiler does.
//
// tests/kernels/proofs/__init__.py writes a file that defines the numbers of one layout, includes the file of a kind, and does so again
// for the next one. A kind's file says what `check` demands of a slice of that layout, leaves every other byte unknown, and calls each function
// of the kernel once from there. A slice and each buffer are arrays of exactly their size, so that an access outside is an alarm.
#ifndef BOARDMAPS_PROOFS_HARNESS_H
#define BOARDMAPS_PROOFS_HARNESS_H

#include "__fc_builtin.h"
#include "slice.h"

#define PASTE_AGAIN(name, id) name##_##id
#define PASTE(name, id) PASTE_AGAIN(name, id)
#define OWN(name) PASTE(name, ID) // of this layout

#define UNKNOWN(array) Frama_C_make_unknown((char *)(array), sizeof(array))
#define U32 Frama_C_unsigned_int_interval(0, 0xffffffff)
#define BOOL Frama_C_interval(0, 1)
#define UP_TO(n) Frama_C_unsigned_int_interval(0, n)

// The words of a header that creation writes and that nothing changes afterwards.
#define FIXED_WORDS(h) \
    (h)[MAP_TYPE] = TYPE, (h)[MAP_FLAGS] = FLAGS, (h)[KEY_SIZE] = KEY, (h)[VALUE_SIZE] = VALUE_BYTES, (h)[MAX_ENTRIES] = ENTRIES_MOST, \
    (h)[LINKS] = LINKS_AT, (h)[ENTRIES] = ENTRIES_AT, (h)[VALUE] = VALUE_AT, (h)[STRIDE] = STRIDE_BYTES

#endif
