"""The numbers that the board, the twin and the line agree on. SPEC.md has the same in prose; map types are in kinds.py.

Update flags and map flags are the kernel's (include/uapi/linux/bpf.h).
"""

try:
    from micropython import const
except ImportError as missing:  # CPython has no such module, and needs none
    if "micropython" not in str(missing):
        raise

    def const(value: int) -> int:  # type: ignore[misc]
        """Give the value back: folding is MicroPython's compiler's business."""
        return value


# update() flags
BPF_ANY = const(0)
BPF_NOEXIST = const(1)
BPF_EXIST = const(2)

# map_flags: what the host may do, and the ring buffer's overwrite mode
BPF_F_RDONLY = const(8)
BPF_F_WRONLY = const(16)
BPF_F_RB_OVERWRITE = const(1 << 19)

# limits of a definition
NAME_MAX = const(15)  # bytes, as BPF_OBJ_NAME_LEN - 1
U32_MAX = 0xFFFFFFFF  # a big int on 32-bit boards: no const

VERSION = "0.1.0"

# requests on the line: the first byte of a request's payload
OP_PING = const(0)
OP_CREATE = const(1)
OP_LIST = const(2)
OP_INFO = const(3)
OP_LOOKUP = const(4)
OP_UPDATE = const(5)
OP_DELETE = const(6)
OP_NEXT_KEY = const(7)
OP_LOOKUP_AND_DELETE = const(8)
OP_BATCH_LOOKUP = const(9)
OP_FREEZE = const(10)
OP_POOL = const(11)
OP_POOL_RESET = const(12)
OP_PART = const(13)
OP_MORE = const(14)
OP_ADD = const(15)
OP_COMPARE_AND_SWAP = const(16)
OP_BATCH_UPDATE = const(17)
OP_BATCH_DELETE = const(18)
OP_BATCH_LOOKUP_AND_DELETE = const(19)
OP_CLEAR = const(20)
OP_OUTPUT = const(21)
OP_READ = const(22)
OP_QUERY = const(23)
OP_PUSH_SAMPLE = const(24)
OP_SAMPLES = const(25)
OP_STATS = const(26)
OP_POOL_READ = const(27)
OP_FETCH_OR = const(28)
OP_FETCH_AND = const(29)
OP_FETCH_XOR = const(30)
OP_EXCHANGE = const(31)
OP_UPDATE_PART = const(32)
OP_PUSH = const(33)
OP_PEEK = const(34)

# the second byte of OP_PART, bits
PART_FIRST = const(1)
PART_LAST = const(2)

# what OP_SAMPLES asks for
SAMPLES_LAST = const(0)
SAMPLES_WINDOW = const(1)
SAMPLES_OLDEST = const(2)

# events: the requests that begin and end them, and what an item of an EVENT frame is
OP_SUBSCRIBE = const(64)
OP_UNSUBSCRIBE = const(65)
EVENT_RECORD = const(0)
EVENT_ENTRY = const(1)
EVENT_GONE = const(2)
EVENT_ENDED = const(3)
EVENT_MORE = const(0x80)  # added: its data goes on in the subscription's next item

# the first byte of a reply's payload; 1 to 124 is an error's code, its text follows
STATUS_OK = const(0)
STATUS_APART = const(125)  # the parts of a request do not follow each other: it was not executed
STATUS_GONE = const(126)  # the request was executed, wholly or in part, but its reply is not there (any more)
STATUS_MISS = const(127)
STATUS_MORE = const(128)  # added: the reply goes on, ask with OP_MORE

# the tags of what follows the fixed fields of CREATE and of a map's record
TAG_PARAMETERS = const(1)  # the type's parameters, as kinds.py has their layout

# of a map's record, behind its length: id, type, key_size, value_size, max_entries, map_flags, entries, offset, bytes;
# frozen; name; CPUs; peak
INFO_FORMAT = "<H8IB16sHI"
INFO_SIZE = const(57)
