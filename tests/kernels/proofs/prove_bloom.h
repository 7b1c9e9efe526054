// A Bloom filter: any seed, multiplier and bits.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(value)[VALUE_BYTES];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
    UNKNOWN(OWN(slice));
    UNKNOWN(OWN(value));
    FIXED_WORDS(h);
    h[MASK] = MASK_WORD;
    h[FUNCTIONS] = Frama_C_unsigned_int_interval(1, 15);
    return h;
}

static void OWN(prove)(void) {
    bm_bloom_push(OWN(known)(), OWN(value));
    bm_bloom_peek(OWN(known)(), OWN(value));
    bm_bloom_clear(OWN(known)());
}
