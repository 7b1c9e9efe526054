// A ring of records. Where the reader is and which records follow is given: RECORDS calls R(offset, units) for each, a record of units * 8 bytes
// with its header, whose length is any that takes so many, in any state. The bytes of records and all of the rest of the ring are unknown.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(data)[ENTRIES_MOST + 2];

static uint32_t OWN(head)(uint32_t units) {
    uint32_t state = BOOL ? 0 : BOOL ? RESERVED : DISCARDED;
    return state | Frama_C_unsigned_int_interval(units == 1 ? 0 : 8 * units - 15, 8 * units - 8);
}

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice), *ring = (uint32_t *)((uint8_t *)h + ENTRIES_AT);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(data));
    FIXED_WORDS(h);
    h[CONSUMER] = CONSUMER_WORD;
    h[PRODUCER] = PRODUCER_WORD;
#define R(offset, units) ring[(offset) / 4] = OWN(head)(units)
    RECORDS;
#undef R
    return h;
}

static void OWN(prove)(void) {
    uint8_t *end = OWN(data) + sizeof(OWN(data));
    //@ loop unroll ENTRIES_MOST + 2;
    for (uint32_t n = 0; n <= ENTRIES_MOST + 1; ++n) { // a buffer of n bytes ends where the array ends
        bm_ring_output(OWN(known)(), end - n, n);
        bm_ring_read(OWN(known)(), end - n, n);
    }
    bm_ring_reserve(OWN(known)(), U32);
    bm_ring_next(OWN(known)());
    bm_ring_clear(OWN(known)(), false);
    bm_ring_clear(OWN(known)(), true);
#define R(offset, units) \
    for (uint32_t n = (units) == 1 ? 0 : 8 * (units) - 15; n <= 8 * (units) - 8; ++n) { \
        uint32_t *h = OWN(known)(); \
        h[(ENTRIES_AT + (offset)) / 4] = n | RESERVED; \
        bm_ring_finish(h, ENTRIES_AT + (offset), end - n, false); \
        bm_ring_finish(h, ENTRIES_AT + (offset), NULL, true); \
    }
    RECORDS;
#undef R
}
