"""The numbers that the board, the twin and the line agree on. SPEC.md has the same in prose; map types are in kinds.py.

A board does not load this: it has flags.py, and its modules restate what they need, because a constant of their own takes no heap.
"""

from .flags import BPF_ANY as BPF_ANY
from .flags import BPF_EXIST as BPF_EXIST
from .flags import BPF_F_RB_OVERWRITE as BPF_F_RB_OVERWRITE
from .flags import BPF_F_RDONLY as BPF_F_RDONLY
from .flags import BPF_F_WRONLY as BPF_F_WRONLY
from .flags import BPF_NOEXIST as BPF_NOEXIST
from .flags import INFO_FORMAT as INFO_FORMAT
from .flags import NAME_MAX as NAME_MAX
from .flags import U32_MAX as U32_MAX
from .flags import VERSION as VERSION
from .flags import const as const

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

# on the board itself
OP_HEALTH = const(40)
HEALTH_LARGEST = const(1)  # of its second byte: the largest free block too

# several changes as one
OP_COMMIT = const(44)
OP_COMMITTED = const(45)
OP_EXPECT = const(46)  # in a commit alone

# on what outlives a reset
OP_PIN = const(48)
OP_UNPIN = const(49)
OP_PINS = const(50)
OP_KEPT_READ = const(51)
OP_ACKNOWLEDGE = const(52)

# whole slices, between the host and a board
OP_SLICE_SUM = const(56)
OP_RESTORE = const(57)
RESTORE_BEGIN = const(0)
RESTORE_DATA = const(1)
RESTORE_END = const(2)

# how a pin is, in the reply to OP_PINS
PIN_SAME = const(0)  # the map is as it is pinned
PIN_CHANGED = const(1)
PIN_KEPT = const(2)  # no such map was made
PIN_REFUSED = const(3)  # it was not loaded, or not written; a text says why

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
TAG_SCHEMA = const(2)  # its text
TAG_SCHEMA_SUM = const(3)  # the CRC-32 of the text, in its place in the records of OP_LIST

# of a map's record, flags.py has its INFO_FORMAT
INFO_SIZE = const(57)
