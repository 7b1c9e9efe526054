"""Which layouts are proven: for each proof the C that Frama-C reads, the numbers of a layout before the kind's own file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boardmaps.abi import BPF_F_RB_OVERWRITE
from boardmaps.definition import MapDef, buckets_for, filter_bits, layout, slice_size
from boardmaps.kinds import (
    ARRAY,
    BLOOM_FILTER,
    HASH,
    PERCPU_ARRAY,
    PERCPU_HASH,
    QUEUE,
    RINGBUF,
    STACK,
    TIME_SERIES,
)

SIZES = range(1, 10)  # bytes of keys and values
ENTRIES = range(1, 5)
PAIRS = [(size, 10 - size) for size in SIZES]  # key and value of a hash table: each size of either once


@dataclass(frozen=True, slots=True)
class Proof:
    """One run of Frama-C: what it is about, the headers of core/ that it includes, and a block of C for each layout."""

    name: str
    about: str
    headers: tuple[str, ...]
    blocks: tuple[str, ...]
    entry: str = "prove"  # the function of a block, before its number

    def source(self) -> str:
        """Return the file that Frama-C reads."""
        included = "".join(f'#include "{name}"\n' for name in ("harness.h", *self.headers))
        blocks = "".join(f"#define ID {i}\n{block}#undef ID\n\n" for i, block in enumerate(self.blocks))
        calls = "".join(f"    {self.entry}_{i}();\n" for i in range(len(self.blocks)))
        return f"{included}\n{blocks}void main(void) {{\n{calls}}}\n"


def block(file: str, numbers: dict[str, object]) -> str:
    """Return the C of one layout: its numbers, the kind's file, and the numbers forgotten."""
    defined = "".join(f"#define {name} {number}\n" for name, number in numbers.items())
    forgotten = "".join(f"#undef {name.partition('(')[0]}\n" for name in numbers)
    return f'{defined}#include "{file}"\n{forgotten}'


def of_map(file: str, d: MapDef, **more: object) -> str:
    """Return the C of a map's layout."""
    links, entries, value, stride = layout(d)
    numbers = {
        "TYPE": d.map_type,
        "FLAGS": d.map_flags,
        "KEY": d.key_size,
        "VALUE_BYTES": d.value_size,
        "ENTRIES_MOST": d.max_entries,
        "LINKS_AT": links,
        "ENTRIES_AT": entries,
        "VALUE_AT": value,
        "STRIDE_BYTES": stride,
        "SLICE_SIZE": slice_size(d),
    }
    return block(file, {**numbers, **more})


def one_of(numbers: Iterable[int]) -> str:
    """Return an expression of C that is any of these numbers."""
    first, *rest = numbers
    return f"Frama_C_nondet({first}, {one_of(rest)})" if rest else str(first)


def of_hash(d: MapDef, in_use: int, file: str = "prove_hash.h", **more: object) -> str:
    """Return the C of a hash table's layout in which the slots whose bits are set are in use."""
    slots = range(1, d.max_entries + 1)
    numbers = {
        "MASK_WORD": buckets_for(d.max_entries) - 1,
        "CHAINED": one_of([0, *(slot for slot in slots if in_use >> (slot - 1) & 1)]),
        "UNCHAINED": one_of([0, *(slot for slot in slots if not in_use >> (slot - 1) & 1)]),
        "IN_USE(i)": f"({in_use} >> (i) & 1)",
        "ROWS": int(d.map_type == PERCPU_HASH),
        "LARGEST": 0,
    }
    return of_map(file, d, **numbers, **more)


def of_large_hash(d: MapDef, in_use: int) -> str:
    """Return the C of a layout in which the first `in_use` slots are in use: any of them may be in any chain."""
    free = d.max_entries - in_use
    numbers = {
        "MASK_WORD": buckets_for(d.max_entries) - 1,
        "CHAINED": f"UP_TO({in_use})",
        "UNCHAINED": f"(BOOL ? 0 : Frama_C_interval({in_use + 1}, {d.max_entries}))" if free else "0",
        "IN_USE(i)": f"((i) < {in_use})",
        "ROWS": 0,
        "LARGEST": 1,
    }
    return of_map("prove_hash.h", d, **numbers)


def chains(units: int) -> Iterator[tuple[int, ...]]:
    """Yield every row of records, by their sizes in units of 8 bytes, that takes at most so many units."""
    yield ()
    for first in range(1, units + 1):
        for rest in chains(units - first):
            yield (first, *rest)


def of_ring(size: int, flags: int, consumer: int, records: tuple[int, ...]) -> str:
    """Return the C of a ring with these records, of so many units, from the consumer on."""
    at, calls = consumer, []
    for units in records:
        calls.append(f"R({at % size}, {units})")
        at += 8 * units
    numbers = {
        "CONSUMER_WORD": f"{consumer}u",
        "PRODUCER_WORD": f"{at % 2**32}u",
        "RECORDS": "; ".join(calls) or "(void)0",
    }
    return of_map("prove_ring.h", MapDef(RINGBUF, 0, 0, size, flags), **numbers)


def of_line(d: MapDef, request: int, in_use: int = 0) -> str:
    """Return the C of requests of so many bytes to a map."""
    more = {"REQUEST": request, "REPLY": 9 + d.value_size}
    return of_map("prove_line.h", d, **more) if d.map_type == ARRAY else of_hash(d, in_use, "prove_line.h", **more)


def requests(key: int, value: int) -> list[int]:
    """Return the lengths of requests to a map: those of each operation, and one byte less and more."""
    exact = (1, 3 + key, 9 + key + value, 13, 16 + key)
    return sorted({n for size in exact for n in (size - 1, size, size + 1) if n})


def hash_states(kind: int, key: int, value: int, cpus: int = 1) -> Iterator[str]:
    """Yield each layout of a hash table with these sizes: each number of entries, each set of slots in use."""
    for n in ENTRIES:
        for in_use in range(1 << n):
            yield of_hash(MapDef(kind, key, value, n, 0, "", cpus), in_use)


def proofs() -> Iterator[Proof]:
    """Yield every proof."""
    small = [(value, n) for value in SIZES for n in ENTRIES]
    sizes = "values of 1 to 9 bytes, 1 to 4 entries"
    arrays = [MapDef(ARRAY, 4, value, n, 0) for value, n in small]
    large = [MapDef(ARRAY, 4, 1, 16_360, 0), MapDef(ARRAY, 4, 65_440, 1, 0)]
    at = ("array.h", "field.h")
    yield Proof("array", sizes, at, tuple(of_map("prove_array.h", d) for d in arrays))
    yield Proof(
        "array, largest",
        "16,360 values of 1 byte, 1 of 65,440 bytes: all of a pool",
        at,
        tuple(of_map("prove_large_array.h", d) for d in large),
    )
    for kind, name in ((QUEUE, "queue"), (STACK, "stack")):
        maps = [MapDef(kind, 0, value, n, 0) for value, n in [*small, (1, 16_360), (65_440, 1)]]
        blocks = tuple(of_map("prove_queue.h", d) for d in maps)
        yield Proof(name, f"{sizes}, and the largest of a pool", ("queue.h",), blocks)
    maps = [MapDef(TIME_SERIES, 8, value, n, 0) for value, n in [*small, (1, 5_453), (65_432, 1)]]
    blocks = tuple(of_map("prove_series.h", d) for d in maps)
    yield Proof("time series", f"{sizes}, and the largest of a pool", ("series.h",), blocks)
    filters = [
        (MapDef(BLOOM_FILTER, 0, value, n, 0, "", 1, functions), functions)
        for value, n, functions in [*((value, n, 5) for value, n in small), (9, 20_000, 15)]
    ]
    blocks = tuple(
        of_map("prove_bloom.h", d, MASK_WORD=filter_bits(d.max_entries, functions) - 1) for d, functions in filters
    )
    yield Proof("Bloom filter", f"{sizes}, and 65,536 bytes of bits; 1 to 15 functions", ("bloom.h",), blocks)
    blocks = tuple(of_map("prove_rows.h", MapDef(PERCPU_ARRAY, 4, value, n, 0, "", 2)) for value, n in small)
    yield Proof("per-CPU array", f"{sizes}, 2 CPUs", ("percpu.h",), blocks)
    for key, value in PAIRS:
        about = f"keys of {key}, values of {value} bytes, 1 to 4 entries, each set of slots in use"
        yield Proof(f"hash {key}:{value}", about, ("hash.h", "field.h"), tuple(hash_states(HASH, key, value)))
    wide = MapDef(HASH, 512, 512, 2, 0)
    many = MapDef(HASH, 4, 4, 64, 0)
    yield Proof(
        "hash, larger",
        "keys and values of 512 bytes, 2 entries; of 4 bytes, 64 entries, of which the first 0, 32 or all are in use",
        ("hash.h", "field.h"),
        (*(of_hash(wide, in_use) for in_use in range(4)), *(of_large_hash(many, in_use) for in_use in (0, 32, 64))),
    )
    yield Proof("hash, lengths", "any header, any lengths", ("hash.h",), (block("prove_fits.h", {}),))
    for key, value in PAIRS[::4]:
        about = f"keys of {key}, values of {value} bytes, 2 CPUs, 1 to 4 entries, each set of slots in use"
        yield Proof(f"per-CPU hash {key}:{value}", about, ("percpu.h",), tuple(hash_states(PERCPU_HASH, key, value, 2)))
    for size in (8, 16):
        blocks = tuple(
            of_ring(size, flags, base + consumer, records)
            for flags in (0, BPF_F_RB_OVERWRITE)
            for base in (0, 2**32 - size)
            for consumer in range(0, size, 8)
            for records in chains(size // 8 - 1)
        )
        yield Proof(
            f"ring of {size} bytes", "every row of records in any state, positions that wrap too", ("ring.h",), blocks
        )
    for value in (1, 4, 8, 9):
        d = MapDef(ARRAY, 4, value, 3, 0)
        blocks = tuple(of_line(d, n) for n in requests(4, value))
        yield Proof(
            f"line, array of {value}",
            "requests of each operation's length, one less, one more",
            ("line.h",),
            blocks,
            "prove_line",
        )
    for key, value in ((1, 9), (9, 1)):
        d = MapDef(HASH, key, value, 3, 0)
        blocks = tuple(of_line(d, n, in_use) for n in requests(key, value) for in_use in (0, 5))
        about = "requests of each operation's length, one less, one more; 3 entries, none or two in use"
        yield Proof(f"line, hash {key}:{value}", about, ("line.h",), blocks, "prove_line")
    rings = [MapDef(RINGBUF, 0, 0, size, 0) for size in (8, 16, 32)]
    blocks = tuple(of_map("prove_check.h", d) for d in rings)
    yield Proof("check of records", "any bytes behind the header; rings of 8, 16 and 32 bytes", ("check.h",), blocks)
    blocks = tuple(block("prove_crc.h", {"LENGTH": n}) for n in range(1, 33))
    yield Proof("CRC-32", "1 to 32 bytes", ("frame.h",), blocks)
