"""A packet counter for four interfaces whose whole state lives in maps: counters, one configuration, statistics.

Put it on a board as main.py: `boardmaps deploy --port PORT --app firmware/examples/packets.py`. It runs for ever and answers a
computer between its steps, so its maps can be read and its configuration changed while it works. The packets are made up;
on a real board count() would be called by a driver.

The same file runs on a computer: `Packets().step()` in a test drives the same logic on the twin.
"""

import struct
import time

from boardmaps import ArrayMap

CONFIG = "<III"  # enabled, threshold (bytes: longer packets count as errors), timeout_ms (pause between two steps)
STATS = "<QQQ"  # packets, bytes, errors of one interface
STEPS, PACKETS, REJECTED = range(3)  # indices into the counters
INTERFACES = 4


class Packets:
    """A counter map, a configuration map, a statistics map, and what happens in them."""

    def __init__(self):
        # The names and ranges are for who looks from a computer; the bytes are those of the formats above.
        self.counters = ArrayMap.typed(name="counters", value="count:u64!+", max_entries=3)
        self.config = ArrayMap.typed(
            name="config",
            value="enabled:u32(0..1), threshold:u32(0..1500~100) bytes, timeout_ms:u32(0..1000~5)",
            max_entries=1,
        )
        self.stats = ArrayMap.typed(
            name="stats", value="packets:u64!+, bytes:u64!+, errors:u64!+", max_entries=INTERFACES
        )
        self.config.update(0, struct.pack(CONFIG, 1, 1000, 50))
        # Buffers made once: the loop below allocates nothing for its maps.
        self._count = bytearray(8)
        self._config = bytearray(struct.calcsize(CONFIG))
        self._stats = bytearray(struct.calcsize(STATS))
        self._noise = 1

    def increment(self, index, by=1):
        """Add to one counter. Nothing else writes it, so looking up and updating is enough."""
        self.counters.lookup_into(index, self._count)
        struct.pack_into("<Q", self._count, 0, struct.unpack_from("<Q", self._count)[0] + by)
        self.counters.update(index, self._count)

    def count(self, interface, size, threshold):
        """Account for one packet of `size` bytes."""
        self.stats.lookup_into(interface, self._stats)
        packets, total, errors = struct.unpack_from(STATS, self._stats)
        if size > threshold:
            errors += 1
            self.increment(REJECTED)
        else:
            packets += 1
            total += size
            self.increment(PACKETS)
        struct.pack_into(STATS, self._stats, 0, packets, total, errors)
        self.stats.update(interface, self._stats)

    def step(self):
        """Let one packet arrive on each interface, as the configuration says; return the pause in milliseconds."""
        self.config.lookup_into(0, self._config)
        enabled, threshold, timeout_ms = struct.unpack_from(CONFIG, self._config)
        if enabled:
            self.increment(STEPS)
            for interface in range(INTERFACES):
                self._noise = (self._noise * 1103 + 12345) & 0xFFFFF
                self.count(interface, 64 + self._noise % 1436, threshold)
        return timeout_ms


def main():
    """Run for ever: a step, then answer the computer until the next one is due."""
    import boardmaps

    packets = Packets()
    print("packets: counting on", INTERFACES, "interfaces")
    enabled = 1
    while True:
        pause = packets.step()
        now = packets.config.lookup(0)[0]
        if now != enabled:
            enabled = now
            print("packets:", "on" if enabled else "off")
        until = time.ticks_add(time.ticks_ms(), min(pause, 60000))
        while True:
            boardmaps.poll()
            if time.ticks_diff(until, time.ticks_ms()) <= 0:
                break
            time.sleep_ms(1)


if __name__ == "__main__":
    main()
