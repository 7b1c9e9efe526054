// What looks at lengths alone: any header, any lengths.

static uint32_t OWN(slice)[HEADER_WORDS];

static void OWN(prove)(void) {
    UNKNOWN(OWN(slice));
    bm_hash_fits(OWN(slice), U32, U32, Frama_C_interval(0, 7));
}
