// Included by extmod/modos.c: os.urandom. This machine has no source of randomness but its clock: splitmix64 of the nanoseconds.
#define CLOCK_NS ((volatile uint32_t *)0x101000) // goldfish RTC: reading the low word latches the high one

static mp_obj_t mp_os_urandom(mp_obj_t count_in) {
    static uint64_t state;
    uint32_t low = CLOCK_NS[0];
    state ^= (uint64_t)CLOCK_NS[1] << 32 | low;
    vstr_t bytes;
    vstr_init_len(&bytes, mp_obj_get_int(count_in));
    for (size_t i = 0; i < bytes.len; ++i) {
        uint64_t z = (state += 0x9E3779B97F4A7C15);
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        bytes.buf[i] = (z ^ z >> 31) >> 32;
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
