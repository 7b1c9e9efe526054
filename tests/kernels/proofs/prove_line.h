// Requests of the line to an array or a hash table: a request of REQUEST bytes, all of them unknown, and a reply of exactly as many bytes as
// bm_line_room() says. The slice is as the kind's own proof has it.

#if TYPE == 2
#include "prove_array.h"
#define KEYS 4
#else
#include "prove_hash.h"
#define KEYS KEY
#endif

static uint8_t OWN(request)[REQUEST], OWN(reply)[REPLY + 1], OWN(entry)[KEYS + VALUE_BYTES];

static void OWN(execute)(uint8_t op) {
    OWN(request)[0] = op;
    UNKNOWN(OWN(reply));
    uint32_t *h = OWN(known)();
    ptrdiff_t room = bm_line_room(h, OWN(request), REQUEST, REPLY);
    if (room > 0 && op != OP_PING && op != OP_BATCH_LOOKUP) {
        bm_line_execute(h, OWN(request), OWN(reply) + sizeof(OWN(reply)) - room);
    }
    bm_line_room(NULL, OWN(request), REQUEST, REPLY);
}

static void OWN(ask)(uint8_t op) {
    UNKNOWN(OWN(request));
    OWN(execute)(op);
}

// An addition with any width and offset: one after the other where the two fit into a value, which only holds of both together.
static void OWN(add)(void) {
#if REQUEST == 16 + KEYS
    UNKNOWN(OWN(request));
    OWN(request)[7] = BOOL ? 3 : Frama_C_interval(5, 7);
    OWN(execute)(OP_ADD);
    UNKNOWN(OWN(request));
    OWN(request)[7] = Frama_C_interval(9, 255);
    OWN(execute)(OP_ADD);
    //@ loop unroll 10;
    for (int width = 0; width <= 8; width += width ? width : 1) {
        //@ loop unroll VALUE_BYTES + 2;
        for (uint32_t offset = 0; offset <= VALUE_BYTES; ++offset) {
            UNKNOWN(OWN(request));
            bm_field_write(OWN(request) + 3, 4, offset < VALUE_BYTES ? offset : Frama_C_unsigned_int_interval(VALUE_BYTES, 0xffffffff));
            OWN(request)[7] = width;
            OWN(execute)(OP_ADD);
        }
    }
#else
    OWN(ask)(OP_ADD);
#endif
}

static void OWN(prove_line)(void) {
    OWN(ask)(OP_PING);
    OWN(ask)(OP_LOOKUP);
    OWN(ask)(OP_UPDATE);
    OWN(ask)(OP_DELETE);
    OWN(ask)(OP_BATCH_LOOKUP);
    OWN(add)();
    OWN(ask)(Frama_C_interval(1, 3)); // what is none of these
    UNKNOWN(OWN(entry));
    bm_line_entry(OWN(known)(), U32, OWN(entry));
}

#undef KEYS
