// Rows of a per-CPU array: any offset, and a buffer of each length up to one more than the row's.

#define WHOLE (STRIDE_BYTES - VALUE_AT)

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(row)[WHOLE + 1];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(row));
    FIXED_WORDS(h);
    return h;
}

static void OWN(prove)(void) {
    for (size_t n = 0; n <= WHOLE + 1; ++n) {
        bm_key_t key = { NULL, 0, U32 };
        uint8_t *buffer = OWN(row) + sizeof(OWN(row)) - n; // ends where the array ends
        bm_row_op(OWN(known)(), &key, U32, buffer, n, BOOL ? ANY : BOOL ? NOEXIST : EXIST);
        bm_row_op(OWN(known)(), &key, U32, buffer, n, LOOKUP);
    }
    bm_key_t key = { NULL, 0, U32 };
    bm_row_op(OWN(known)(), &key, 0, NULL, 0, DELETE);
}

#undef WHOLE
