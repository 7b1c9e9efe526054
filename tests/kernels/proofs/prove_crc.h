// The CRC of LENGTH bytes.

static uint8_t OWN(bytes)[LENGTH];

static void OWN(prove)(void) {
    UNKNOWN(OWN(bytes));
    bm_crc32(OWN(bytes), LENGTH);
    bm_stuffed(LENGTH);
    bm_frame_size(LENGTH);
}
