// The CRC-32 of a frame, which firmware has and does not give to native modules.

#include <stdint.h>

uint32_t uzlib_crc32(const void *data, unsigned int n, uint32_t crc);

uint32_t uzlib_crc32(const void *data, unsigned int n, uint32_t crc) {
    static const uint32_t table[16] = { // of half a byte
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (const uint8_t *at = data; n--; ) {
        crc ^= *at++;
        crc = table[crc & 15] ^ (crc >> 4);
        crc = table[crc & 15] ^ (crc >> 4);
    }
    return crc;
}
