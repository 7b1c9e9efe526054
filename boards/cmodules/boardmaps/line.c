// The line's usual turn: whole frames come, with the requests that are due, for maps whose kernels are here, and their replies go.
// All else is session.py's, whose attributes are the session's one state; so are the rules that this follows for the usual case.
//
// line(maps) -> turn, from the pool's maps by number. turn(session, buf, n) -> what buf has now in place of the n bytes that came: in the
// low 16 bits how many are to be sent, the replies' frames behind a zero that ends what was printed; above them where what stands
// behind those ends, which is still to be taken by session.py, or 0 when nothing is. 0 when nothing was done, then buf is as it was.
// Only the kept reply takes heap: where much of it is in use, MicroPython looks long for more than 16 bytes.

#include "kernel.h"
#include "core/frame.h"
#include "core/line.h"
#include "core/turn.h"

#include "py/objstr.h"

enum { REQUEST = 8, REPLY = 9 }; // types of frames, see frame.py
enum { MOST_FRAME = 512 }; // bytes of a frame without its zero: one with 480 bytes of payload has 491

typedef struct {
    mp_obj_base_t base;
    mp_obj_t maps, ok, miss, none; // and the two shortest replies, and no bytes
} line_t;

// The slice of a map that bm_drive() was called for; NULL of another object.
static uint32_t *slice_of_map(mp_obj_t map) {
    mp_obj_t found[2];
    mp_load_method_maybe(map, MP_QSTR__move, found);
    bool here = found[0] != MP_OBJ_NULL && mp_obj_is_type(found[0], &bm_map_type);
    return here ? ((bm_map_t *)MP_OBJ_TO_PTR(found[0]))->slice : NULL;
}

// The slice of the map with this number, NULL when there is none whose kernel is here.
static uint32_t *slice_of(mp_obj_t maps, mp_int_t number) {
    mp_map_elem_t *found = mp_map_lookup(mp_obj_dict_get_map(maps), MP_OBJ_NEW_SMALL_INT(number), MP_MAP_LOOKUP);
    return found ? slice_of_map(found->value) : NULL;
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

// Execute the request; None when nothing was done, as where its reply's frame could need more than `space`. The reply is had before
// anything changes.
static mp_obj_t execute(const line_t *line, const uint8_t *request, size_t n, size_t limit, size_t space) {
    uint32_t *h = n < 3 ? NULL : slice_of(line->maps, bm_u16(request + 1));
    ptrdiff_t room = bm_line_room(h, request, n, limit);
    if (room < 0 || bm_frame_size(room) > space) {
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

// Answer the frame that comes next; false when nothing was done.
static bool answer(const line_t *line, mp_obj_t session, bm_turn_t *t) {
    uint8_t raw[MOST_FRAME];
    size_t chunk = bm_turn_chunk(t);
    while (chunk && chunk <= FRAME_LEAST) { // too short for a frame: what a host types for a REPL that may have the line
        uint8_t *at = t->at;
        t->at += chunk;
        chunk = bm_turn_chunk(t);
        t->at = chunk ? t->at : at; // with no frame behind it session.py takes it
    }
    ptrdiff_t size = !chunk || chunk > MOST_FRAME ? -1 : bm_frame_open(raw, t->at, chunk);
    if (size < 0 || raw[0] != REQUEST) {
        return false;
    }
    uint32_t seq = bm_u16(raw + 2);
    mp_int_t limit = number_of(session, MP_QSTR_limit);
    if (raw[1] != number_of(session, MP_QSTR_session) || seq != (mp_uint_t)number_of(session, MP_QSTR__next)
        || mp_load_attr(session, MP_QSTR__long) != mp_const_none || FRAME_LEAST + limit > MOST_FRAME) {
        return false;
    }
    mp_obj_t *kept;
    size_t window;
    mp_obj_get_array(mp_load_attr(session, MP_QSTR__kept), &window, &kept);
    mp_obj_t served = mp_binary_op(MP_BINARY_OP_ADD, mp_load_attr(session, MP_QSTR_served), MP_OBJ_NEW_SMALL_INT(1));
    mp_obj_t reply = execute(line, raw + FRAME_HEADER, size - FRAME_LEAST, limit, bm_turn_room(t, chunk));
    if (reply == mp_const_none) {
        return false;
    }
    kept[seq % window] = reply; // number, effect and kept reply together: nothing up to here raises once something has changed
    mp_store_attr(session, MP_QSTR__next, MP_OBJ_NEW_SMALL_INT((seq + 1) & 0xffff));
    mp_store_attr(session, MP_QSTR_served, served);
    mp_buffer_info_t payload = bm_bytes(reply, MP_BUFFER_READ);
    bm_copy(raw + FRAME_HEADER, payload.buf, payload.len);
    uint8_t *to = bm_turn_take(t, chunk, bm_frame_size(payload.len));
    t->out = to + bm_frame_close(to, raw, payload.len, REPLY, raw[1], seq, seq);
    return true;
}

static mp_obj_t turn(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 3, 3, false);
    const line_t *line = MP_OBJ_TO_PTR(self);
    mp_obj_t session = args[0], decoder = mp_load_attr(session, MP_QSTR_decoder);
    mp_buffer_info_t buf = bm_bytes(args[1], MP_BUFFER_WRITE);
    mp_buffer_info_t pending = bm_bytes(mp_load_attr(decoder, MP_QSTR__pending), MP_BUFFER_READ);
    size_t n = MIN(buf.len, (mp_uint_t)mp_obj_get_int(args[2]));
    bm_turn_t t;
    if (mp_load_attr(decoder, MP_QSTR__skipping) != mp_const_false
        || !bm_turn_begin(&t, buf.buf, buf.len, n, pending.buf, pending.len)) {
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    if (pending.len) { // a frame that came in two reads
        mp_store_attr(decoder, MP_QSTR__pending, line->none);
    }
    while (answer(line, session, &t)) {
    }
    size_t out = t.out - t.begin;
    if (!out && !pending.len) {
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    size_t rest = bm_turn_end(&t);
    return MP_OBJ_NEW_SMALL_INT(out | (rest ? out + rest : 0) << 16);
}

static MP_DEFINE_CONST_OBJ_TYPE(line_type, MP_QSTR_callable, MP_TYPE_FLAG_NONE, call, turn);

static mp_obj_t make_line(mp_obj_t maps) {
    line_t *line = mp_obj_malloc(line_t, &line_type);
    line->maps = maps;
    line->ok = mp_obj_new_bytes((const byte *)"\0", 1);
    line->miss = mp_obj_new_bytes((const byte *)"\x7f", 1);
    line->none = mp_obj_new_bytes((const byte *)"", 0);
    return MP_OBJ_FROM_PTR(line);
}
MP_DEFINE_CONST_FUN_OBJ_1(bm_line_obj, make_line);
