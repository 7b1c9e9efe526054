// As prove_array.h, for values of which every place in one cannot be listed: a number is at the begin or at the end of one.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(value)[VALUE_BYTES], OWN(fresh)[VALUE_BYTES];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(value));
    UNKNOWN(OWN(fresh));
    FIXED_WORDS(h);
    return h;
}

static void OWN(prove)(void) {
    bm_array_op(OWN(known)(), U32, OWN(value), VALUE_BYTES, ANY);
    bm_array_op(OWN(known)(), U32, OWN(value), VALUE_BYTES, LOOKUP);
    bm_array_op(OWN(known)(), U32, NULL, 0, DELETE);
    uint32_t *h = OWN(known)();
    uint8_t *value = bm_array_find(h, U32);
    if (value) {
        bm_field_swap(h, value, OWN(value), OWN(fresh), VALUE_BYTES);
        for (int width = 1; width <= 8; width *= 2) {
            ptrdiff_t last = VALUE_BYTES - width;
            if (bm_field_fits(VALUE_BYTES, last, width)) {
                bm_field_store(h, value + last, width, bm_field_read(value, width));
            }
        }
    }
}
