"""Where our maps differ from the kernel's on purpose, by name. test_deviations.py shows that each difference is there."""

from typing import NamedTuple


class Deviation(NamedTuple):
    """One difference: in which rows, what the kernel does, what we do, and why."""

    rows: tuple[str, ...]
    kernel: str
    ours: str
    why: str


_ARRAYS = ("array", "percpu_array")
_HASHES = ("hash", "percpu_hash", "lru_roomy")
_QUEUES = ("queue", "stack")

DEVIATIONS: dict[str, Deviation] = {
    "array delete": Deviation(_ARRAYS, "EINVAL", "the entry becomes zero", "a delete is O(1) on every map with keys"),
    "array batch_delete": Deviation(_ARRAYS, "ENOTSUPP", "the entries become zero", "as the single delete does"),
    "flags of a batch": Deviation(
        (*_ARRAYS, *_HASHES, "lpm_trie"),
        "EINVAL to BPF_NOEXIST and BPF_EXIST",
        "every entry is stored as update() with these flags would",
        "many new keys in one step, and none of them overwritten",
    ),
    "empty batch": Deviation(
        _ARRAYS + _HASHES,
        "EPERM to a frozen map, even if there is nothing to store",
        "nothing to do is done, whatever the rights",
        "a count of 0 is a successful no-op",
    ),
    "empty batch of a frozen trie": Deviation(
        ("lpm_trie",),
        "EPERM, even if there is nothing to do",
        "nothing to do is done, whatever the rights",
        "a count of 0 is a successful no-op",
    ),
    "hash page": Deviation(
        _HASHES,
        "ENOSPC when a bucket has more entries than the page",
        "a page of any size, and the next one goes on behind it",
        "callers cannot know the buckets",
    ),
    "another map's cursor": Deviation(
        (*_ARRAYS, *_HASHES, "lpm_trie"),
        "takes any cursor for a place of the map that it is asked about",
        "MapError to a cursor that this map did not give",
        "a walk that goes on in the wrong map would look like a whole one",
    ),
    "lpm next_key": Deviation(
        ("lpm_trie",),
        "next_key of a prefix that is not there is the first one: a walk begins again when its key is deleted",
        "the next one in post-order, whether the given one is there or not",
        "a walk goes on behind a deleted key, meets what stays once, and ends",
    ),
    "lpm NO_PREALLOC": Deviation(
        ("lpm_trie",), "EINVAL without BPF_F_NO_PREALLOC", "no such flag", "a board allocates everything before"
    ),
    "queue delete": Deviation(_QUEUES, "EINVAL", "NotSupported", "an error that says what is wrong"),
    "queue next_key": Deviation(_QUEUES, "EINVAL", "NotSupported", "an error that says what is wrong"),
    "ring size": Deviation(
        ("ringbuf",), "EINVAL to a size that is no multiple of a page", "any power of two", "a board has no pages"
    ),
    "lru order": Deviation(
        ("lru_roomy",),
        "evicts in batches and roughly by use; a lookup through bpf(2) is none",
        "evicts exactly the least recently used entry; every lookup and update is a use",
        "a program can rely on what stays",
    ),
}
