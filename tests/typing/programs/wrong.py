"""Mistakes that both profiles refuse: the stub has types, not only names."""

from boardmaps import ArrayMap, HashMap, Queue

hits = ArrayMap(8)  # not embedded: call-arg # not cloud: call-arg
temps = HashMap(key_size=8, value_size=4, max_entries=64, size=3)  # not embedded: call-arg # not cloud: call-arg
temps.update(5, b"\x15\0\0\0")  # not embedded: arg-type # not cloud: arg-type
number: int = temps.lookup(b"kitchen\0")  # not embedded: assignment # not cloud: assignment
hits.push(b"12345678")  # not embedded: attr-defined # not cloud: attr-defined
Queue(4, 4).push("text")  # not embedded: arg-type # not cloud: arg-type
