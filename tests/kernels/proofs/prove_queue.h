// A queue or a stack: the oldest value is in some slot, and at most as many follow as there are slots.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(value)[VALUE_BYTES], OWN(longer)[VALUE_BYTES + 1];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(value));
    UNKNOWN(OWN(longer));
    FIXED_WORDS(h);
    h[FIRST] = UP_TO(ENTRIES_MOST - 1);
    h[COUNT] = UP_TO(ENTRIES_MOST);
    return h;
}

static void OWN(prove)(void) {
    bm_queue_put(OWN(known)(), OWN(value), VALUE_BYTES, false);
    bm_queue_put(OWN(known)(), OWN(value), VALUE_BYTES, true);
    bm_queue_put(OWN(known)(), OWN(longer), VALUE_BYTES + 1, BOOL);
    bm_queue_take(OWN(known)(), OWN(value), true);
    bm_queue_take(OWN(known)(), OWN(value), false);
    bm_queue_empty(OWN(known)());
}
