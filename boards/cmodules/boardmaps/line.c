// The line's usual turn: a whole frame comes, with the request that is due, for a map whose kernel is here, and its reply goes.
// All else is session.py's, whose attributes are the session's one state; so are the rules that this follows for the usual case.
//
// line(maps) -> turn, from the pool's maps by number. turn(session, buf, n) -> how many bytes of buf are to be sent, the reply's frame
// in place of the n bytes that came, with a zero before it that ends what was printed; 0 when nothing was done, then buf is as it was.
// Only the kept reply takes heap: where much of it is in use, MicroPython looks long for more than 16 bytes.

#include "kernel.h"
#include "core/frame.h"
#include "core/line.h"

#include "py/objstr.h"

enum { REQUEST = 8, REPLY = 9 }; // types of frames, see frame.py
enum { MOST_FRAME = 512 }; // bytes of a frame without its zero: one with 480 bytes of payload has 491

typedef struct {
    mp_obj_base_t base;
    mp_obj_t maps, ok, miss; // and the two shortest replies
} line_t;

// The slice of the map with this number, NULL when there is none whose kernel is here.
static uint32_t *slice_of(mp_obj_t maps, mp_int_t number) {
    mp_map_elem_t *found = mp_map_lookup(mp_obj_dict_get_map(maps), MP_OBJ_NEW_SMALL_INT(number), MP_MAP_LOOKUP);
    return found ? bm_slice_of(found->value) : NULL;
}

static mp_int_t number_of(mp_obj_t session, qstr name) {
    return mp_obj_get_int(mp_load_attr(session, name));
}

// Take a page: at most `count` entries from the cursor's slot on, as far as `room` bytes reach. Its cursor is the next one's.
static mp_obj_t page(uint32_t *h, const uint8_t *request, size_t room) {
    uint64_t cursor = bm_field_read(request + 3, 8);
    uint32_t id = bm_u16(request + 1), count = bm_u16(request + 11), entry = h[KEY_SIZE] + h[VALUE_SIZE], n = 0;
    uint32_t slot = cursor ? cursor & 0xffff : 1;
    if ((cursor && cursor >> 16 != id) || !count || entry > room - PAGE_HEAD) {
        return mp_const_none;
    }
    vstr_t made;
    vstr_init_len(&made, PAGE_HEAD + bm_least(count, (room - PAGE_HEAD) / entry) * entry);
    uint8_t *at = (uint8_t *)made.buf + PAGE_HEAD, *end = (uint8_t *)made.buf + made.len;
    for (; at < end && slot; at += slot ? entry : 0) {
        mp_uint_t state = bm_enter();
        slot = bm_line_entry(h, slot, at);
        bm_leave(state);
        n += slot != 0;
    }
    made.buf[0] = STATUS_OK;
    bm_field_write((uint8_t *)made.buf + 1, 8, slot ? (uint64_t)id << 16 | slot : 0);
    bm_field_write((uint8_t *)made.buf + 9, 2, n);
    made.len = at - (uint8_t *)made.buf;
    return mp_obj_new_bytes_from_vstr(&made);
}

// Execute the request; None when nothing was done. The reply is had before anything changes.
static mp_obj_t execute(const line_t *line, const uint8_t *request, size_t n, size_t limit) {
    uint32_t *h = n < 3 ? NULL : slice_of(line->maps, bm_u16(request + 1));
    ptrdiff_t room = bm_line_room(h, request, n, limit);
    if (room < 0) {
        return mp_const_none;
    }
    if (request[0] == OP_BATCH_LOOKUP) {
        return page(h, request, room);
    }
    uint8_t status;
    mp_obj_t reply = line->ok;
    uint8_t *to = &status;
    if (room > 1) {
        vstr_t made;
        vstr_init_len(&made, room);
        reply = mp_obj_new_bytes_from_vstr(&made);
        mp_obj_str_t *own = MP_OBJ_TO_PTR(reply); // nobody else has it yet
        own->hash = 0; // not known
        to = (uint8_t *)own->data;
    }
    if (request[0] == OP_PING) {
        bm_copy(to, request, n);
        *to = STATUS_OK;
        return reply;
    }
    mp_uint_t state = bm_enter();
    room = bm_line_execute(h, request, to);
    bm_leave(state);
    return room < 0 ? mp_const_none : *to == STATUS_MISS ? line->miss : reply;
}

static mp_obj_t turn(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 3, 3, false);
    mp_obj_t session = args[0], nothing = MP_OBJ_NEW_SMALL_INT(0);
    mp_buffer_info_t buf = bm_bytes(args[1], MP_BUFFER_WRITE);
    const uint8_t *chunk = buf.buf, *end = chunk + MIN(buf.len, (mp_uint_t)mp_obj_get_int(args[2]));
    while (chunk < end && !*chunk) {
        ++chunk; // between two frames there may be more than one zero
    }
    size_t n = end - chunk;
    if (n-- <= FRAME_LEAST || n > MOST_FRAME || memchr(chunk, 0, n + 1) != chunk + n) {
        return nothing;
    }
    uint8_t raw[MOST_FRAME];
    ptrdiff_t size = bm_frame_open(raw, chunk, n);
    if (size < 0 || raw[0] != REQUEST) {
        return nothing;
    }
    mp_obj_t decoder = mp_load_attr(session, MP_QSTR_decoder);
    uint32_t seq = bm_u16(raw + 2);
    if (raw[1] != number_of(session, MP_QSTR_session) || seq != (mp_uint_t)number_of(session, MP_QSTR__next)
        || mp_load_attr(session, MP_QSTR__long) != mp_const_none || mp_load_attr(decoder, MP_QSTR__skipping) != mp_const_false
        || MP_OBJ_SMALL_INT_VALUE(mp_obj_len(mp_load_attr(decoder, MP_QSTR__pending)))) {
        return nothing;
    }
    mp_int_t limit = number_of(session, MP_QSTR_limit);
    mp_obj_t *kept;
    size_t window;
    mp_obj_get_array(mp_load_attr(session, MP_QSTR__kept), &window, &kept);
    mp_obj_t served = mp_binary_op(MP_BINARY_OP_ADD, mp_load_attr(session, MP_QSTR_served), MP_OBJ_NEW_SMALL_INT(1));
    mp_obj_t reply = mp_const_none;
    if (1 + bm_frame_size(limit) <= buf.len && FRAME_LEAST + limit <= MOST_FRAME) {
        reply = execute(MP_OBJ_TO_PTR(self), raw + FRAME_HEADER, size - FRAME_LEAST, limit);
    }
    if (reply == mp_const_none) {
        return nothing;
    }
    kept[seq % window] = reply; // number, effect and kept reply together: nothing up to here raises once something has changed
    mp_store_attr(session, MP_QSTR__next, MP_OBJ_NEW_SMALL_INT((seq + 1) & 0xffff));
    mp_store_attr(session, MP_QSTR_served, served);
    mp_buffer_info_t payload = bm_bytes(reply, MP_BUFFER_READ);
    bm_copy(raw + FRAME_HEADER, payload.buf, payload.len);
    uint8_t *out = buf.buf;
    *out = 0;
    return MP_OBJ_NEW_SMALL_INT(1 + bm_frame_close(out + 1, raw, payload.len, REPLY, raw[1], seq, seq));
}

static MP_DEFINE_CONST_OBJ_TYPE(line_type, MP_QSTR_callable, MP_TYPE_FLAG_NONE, call, turn);

static mp_obj_t make_line(mp_obj_t maps) {
    line_t *line = mp_obj_malloc(line_t, &line_type);
    line->maps = maps;
    line->ok = mp_obj_new_bytes((const byte *)"\0", 1);
    line->miss = mp_obj_new_bytes((const byte *)"\x7f", 1);
    return MP_OBJ_FROM_PTR(line);
}
MP_DEFINE_CONST_FUN_OBJ_1(bm_line_obj, make_line);
