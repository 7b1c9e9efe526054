"""What the kernel refuses to make we refuse too, and the other way round."""

import errno

import pytest

from boardmaps import InvalidDefinition, InvalidFlags, MapError, OutOfMemory
from boardmaps.abi import BPF_F_RDONLY, BPF_F_WRONLY
from boardmaps.definition import MapDef
from boardmaps.kinds import ARRAY, BLOOM_FILTER, HASH, LPM_TRIE, LRU_HASH, PERCPU_ARRAY, PERCPU_HASH, QUEUE, STACK
from boardmaps_host import twin
from boardmaps_host.kinds import by_number
from tests.differential.kernel import BPF_F_NO_PREALLOC, KernelMap

# Which of our errors may stand for the kernel's
_MEANS: dict[int, set[type[MapError]]] = {
    errno.EINVAL: {InvalidDefinition, InvalidFlags},
    errno.E2BIG: {InvalidDefinition, OutOfMemory},
    errno.ENOMEM: {InvalidDefinition, OutOfMemory},
}
_HASHES = (HASH, PERCPU_HASH, LRU_HASH)
_ARRAYS = (ARRAY, PERCPU_ARRAY)
_QUEUES = (QUEUE, STACK)
_HUGE = 0xFFFFFFFF

Definition = tuple[int, int, int, int, int, str]


def _definitions() -> list[Definition]:
    """Return type, key_size, value_size, max_entries, map_flags, name of maps to be made."""
    made: list[Definition] = []
    for kinds, key_size in ((_HASHES, 8), (_ARRAYS, 4), (_QUEUES, 0)):
        for kind in kinds:
            made += [
                (kind, key_size, 4, 16, 0, ""),
                (kind, key_size, 0, 16, 0, ""),
                (kind, key_size, 4, 0, 0, ""),
                (kind, key_size, 4, 16, BPF_F_RDONLY, ""),
                (kind, key_size, 4, 16, BPF_F_WRONLY, ""),
                (kind, key_size, 4, 16, BPF_F_RDONLY | BPF_F_WRONLY, ""),
                (kind, key_size, 4, 16, 1 << 30, ""),
                (kind, key_size, _HUGE, _HUGE, 0, ""),
                (kind, key_size, 8, _HUGE, 0, ""),
                (kind, key_size, 4, 16, 0, "A.b_34567890123"),
                (kind, key_size, 4, 16, 0, "no spaces"),
                (kind, key_size, 4, 16, 0, "sixteen.letters."),
            ]
    made += [(kind, 0, 4, 16, 0, "") for kind in _HASHES + _ARRAYS]
    made += [(kind, 512, 4, 16, 0, "") for kind in _HASHES]
    made += [(kind, 8, 4, 16, 0, "") for kind in _ARRAYS + _QUEUES]
    made += [(77, 4, 4, 16, 0, "")]
    for kind, key_size in ((LPM_TRIE, 8), (BLOOM_FILTER, 0)):
        made += [
            (kind, key_size, 4, 16, 0, "A.b_34567890123"),
            (kind, key_size, 0, 16, 0, ""),
            (kind, key_size, 4, 0, 0, ""),
            (kind, key_size, 4, 16, BPF_F_RDONLY, ""),
            (kind, key_size, 4, 16, BPF_F_RDONLY | BPF_F_WRONLY, ""),
            (kind, key_size, 4, 16, 1 << 30, ""),
        ]
    made += [(LPM_TRIE, key_size, 4, 16, 0, "") for key_size in (0, 4, 5, 260, 261)]
    made += [(BLOOM_FILTER, 4, 4, 16, 0, "")]
    return made


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("definition", _definitions(), ids=str)
def test_who_makes_what(definition: Definition) -> None:
    kernels = None
    try:
        kind, key_size, value_size, entries, flags, name = definition
        flags |= BPF_F_NO_PREALLOC if kind == LPM_TRIE else 0
        KernelMap(kind, key_size, value_size, entries, flags, name).close()
    except OSError as e:
        kernels = e.errno
    ours = None
    try:
        with twin.Registry():
            kind, key_size, value_size, *rest = definition
            MapDef(*definition)  # refuses a key_size that the type does not have, which its constructor does not take
            sizes = [key_size, value_size] if kind in (*_HASHES, LPM_TRIE) else [value_size]
            getattr(twin, by_number(kind).class_name)(*sizes, *rest)
    except MapError as e:
        ours = type(e)
    assert (kernels is None) == (ours is None)
    assert kernels is None or ours in _MEANS[kernels]


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("functions", [0, 1, 5, 15, 16, 255])
def test_the_functions_of_a_filter(functions: int) -> None:
    refused = None
    try:
        KernelMap(BLOOM_FILTER, 0, 4, 16, map_extra=functions).close()
    except OSError as e:
        refused = e.errno
    assert refused in (None, errno.EINVAL)
    with twin.Registry():
        if refused is None:
            assert twin.BloomFilter(4, 16, functions=functions).definition.functions == (functions or 5)
        else:
            with pytest.raises(InvalidDefinition, match="functions"):
                twin.BloomFilter(4, 16, functions=functions)
