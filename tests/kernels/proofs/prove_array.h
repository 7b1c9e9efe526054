// An array: nothing of it is chained, so every byte behind the header is unknown.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(value)[VALUE_BYTES], OWN(longer)[VALUE_BYTES + 1], OWN(fresh)[VALUE_BYTES];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(value));
    UNKNOWN(OWN(longer));
    UNKNOWN(OWN(fresh));
    FIXED_WORDS(h);
    return h;
}

static void OWN(prove)(void) {
    uint8_t key[4];
    UNKNOWN(key);
    bm_array_op(OWN(known)(), bm_array_index(key), OWN(value), VALUE_BYTES, ANY);
    bm_array_op(OWN(known)(), U32, OWN(value), VALUE_BYTES, LOOKUP);
    bm_array_op(OWN(known)(), U32, OWN(longer), VALUE_BYTES + 1, BOOL ? ANY : LOOKUP);
    bm_array_op(OWN(known)(), U32, NULL, 0, DELETE);
    uint32_t *h = OWN(known)();
    uint8_t *value = bm_array_find(h, U32);
    if (value) {
        bm_field_swap(h, value, OWN(value), OWN(fresh), VALUE_BYTES);
    }
    value = bm_array_find(h, U32);
    if (value) {
        bm_field_put(h, value, OWN(fresh), UP_TO(VALUE_BYTES));
    }
    value = bm_array_find(h, U32);
    ptrdiff_t offset = Frama_C_interval(-2, VALUE_BYTES + 1);
    int width = Frama_C_interval(0, 9);
    //@ split offset;
    //@ split width;
    if (value && bm_field_fits(VALUE_BYTES, offset, width)) {
        bm_field_store(h, value + offset, width, bm_field_apply(UP_TO(5), bm_field_read(value + offset, width), U32, width));
    }
}
