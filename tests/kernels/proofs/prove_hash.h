// A hash table, or with ROWS one of a per-CPU hash. Which slots are in use is given: CHAINED is one of them or 0, UNCHAINED one of the
// others or 0. Any head and any link of a slot in use is CHAINED, whatever chains that makes, also such as `check` does not let pass;
// links of the rest are unknown.

static uint32_t OWN(slice)[SLICE_SIZE / 4];
static uint8_t OWN(key)[KEY], OWN(out)[KEY], OWN(value)[VALUE_BYTES], OWN(fresh)[VALUE_BYTES];

static uint32_t *OWN(known)(void) {
    uint32_t *h = OWN(slice);
#if LARGEST // links are not written one by one then: what was not unknown stays zero, which is no slot
    Frama_C_make_unknown((char *)h, 4 * HEADER_WORDS);
    Frama_C_make_unknown((char *)h + ENTRIES_AT, SLICE_SIZE - ENTRIES_AT);
#else
    UNKNOWN(OWN(slice));
#endif
    UNKNOWN(OWN(key));
    UNKNOWN(OWN(out));
    UNKNOWN(OWN(value));
    UNKNOWN(OWN(fresh));
    FIXED_WORDS(h);
    h[MASK] = MASK_WORD;
    h[FREE] = UNCHAINED;
    h[FRESH] = UP_TO(ENTRIES_MOST);
    uint16_t *heads = (uint16_t *)(h + HEADER_WORDS), *links = (uint16_t *)((uint8_t *)h + LINKS_AT);
    for (uint32_t i = 0; i <= MASK_WORD; ++i) {
        heads[i] = CHAINED;
    }
    for (uint32_t i = 0; i < ENTRIES_MOST; ++i) {
        if (IN_USE(i)) {
            links[i] = CHAINED;
        } else {
            links[i] = UP_TO(0xffff);
        }
    }
    return h;
}

#if !ROWS
static void OWN(prove)(void) {
    bm_hash_op(OWN(known)(), OWN(key), OWN(value), ANY);
    bm_hash_op(OWN(known)(), OWN(key), OWN(value), NOEXIST);
    bm_hash_op(OWN(known)(), OWN(key), OWN(value), EXIST);
    bm_hash_op(OWN(known)(), OWN(key), OWN(value), LOOKUP);
    bm_hash_op(OWN(known)(), OWN(key), OWN(value), TAKE);
    bm_hash_op(OWN(known)(), OWN(key), NULL, DELETE);
    bm_hash_op(OWN(known)(), OWN(key), NULL, FIND);
    bm_hash_op(OWN(known)(), OWN(key), OWN(out), NEXT);
    bm_hash_entry_at(OWN(known)(), U32, OWN(key), KEY, OWN(value), VALUE_BYTES);
    uint32_t *h = OWN(known)();
    uint8_t *value = bm_hash_find(h, OWN(key), KEY);
    if (value) {
        bm_field_swap(h, value, OWN(value), OWN(fresh), VALUE_BYTES);
    }
    bm_hash_find(OWN(known)(), OWN(key), KEY + 1); // another size: no byte of it is read
}
#else
#define WHOLE (STRIDE_BYTES - VALUE_AT)

static uint8_t OWN(row)[WHOLE + 1];

static void OWN(prove)(void) {
    bm_key_t key = { OWN(key), KEY, U32 };
    UNKNOWN(OWN(row));
    for (size_t n = 0; n <= WHOLE + 1; n += n < 2 || n >= WHOLE - 1 ? 1 : WHOLE - n - 1) { // 0, 1, 2, WHOLE - 1, WHOLE, WHOLE + 1
        uint8_t *buffer = OWN(row) + sizeof(OWN(row)) - n; // ends where the array ends
        bm_row_op(OWN(known)(), &key, U32, buffer, n, ANY);
        bm_row_op(OWN(known)(), &key, U32, buffer, n, TAKE);
    }
    bm_row_op(OWN(known)(), &key, 0, OWN(row), WHOLE, NOEXIST);
    bm_row_op(OWN(known)(), &key, 0, OWN(row), WHOLE, EXIST);
    bm_row_op(OWN(known)(), &key, 0, OWN(row), WHOLE, LOOKUP);
    bm_row_op(OWN(known)(), &key, 0, NULL, 0, DELETE);
    bm_hash_op(OWN(known)(), OWN(key), OWN(out), NEXT);
    bm_hash_entry_at(OWN(known)(), U32, OWN(key), KEY, OWN(row), WHOLE);
}

#undef WHOLE
#endif
