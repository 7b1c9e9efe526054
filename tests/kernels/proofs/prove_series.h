// A time series: a queue's ring of slots, each a timestamp and a value.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(value)[VALUE_BYTES], OWN(sample)[VALUE_BYTES + 8];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(value));
    UNKNOWN(OWN(sample));
    FIXED_WORDS(h);
    h[FIRST] = UP_TO(ENTRIES_MOST - 1);
    h[COUNT] = UP_TO(ENTRIES_MOST);
    return h;
}

static void OWN(prove)(void) {
    bm_series_push(OWN(known)(), U32, U32, OWN(value));
    bm_series_get(OWN(known)(), U32, OWN(sample));
}
