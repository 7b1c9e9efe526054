// The check of a ring, on a slice whose header is right and of which every other byte is unknown, the words that calls change too.

static uint32_t OWN(slice)[SLICE_SIZE / 4];

static void OWN(prove)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    FIXED_WORDS(h);
    bm_check_records(h);
}
