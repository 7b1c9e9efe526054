// What a native module lacks of MicroPython: bytes objects, and dicts.

#include "../kernel.h"

mp_map_elem_t *bm_map_lookup(mp_map_t *map, mp_obj_t number) {
    for (size_t i = 0; i < map->alloc; ++i) {
        if (map->table[i].key == number) {
            return &map->table[i];
        }
    }
    return NULL;
}

void bm_vstr_init_len(vstr_t *made, size_t n) {
    made->buf = m_malloc(n + 1);
    made->alloc = n + 1;
    made->len = n;
}

mp_obj_t bm_bytes_from_vstr(vstr_t *made) {
    mp_obj_str_t *object = mp_obj_malloc(mp_obj_str_t, &mp_type_bytes);
    made->buf[made->len] = 0;
    object->hash = 0;
    object->len = made->len;
    object->data = (byte *)made->buf;
    return MP_OBJ_FROM_PTR(object);
}
