"""Kernels: what moves the bytes of a map. This text is the interface; tests read it and hold every sort against it.

There are three sorts: C (boards/cmodules/boardmaps), built into a firmware or in native modules that native.py loads; viper_*.py,
which MicroPython compiles to machine code; and plain_*.py, the readable reference. settings.kernels(kind) gives the module of a
kind from the first sort that has it. A module's functions stand behind its kind; what its drive function gives a map m stands
behind "kind m". A view is the map's slice. Operations and answers are the numbers that C's core/slice.h names. A map's functions
take no heap but for what they return; plain ones do. A map's own look at what they are given; to the others the map gives what it
has looked at. The kind check, which few programs need, is in C and plain Python alone: a board with viper kernels takes the latter.

base        clear(view, size)
stdio       drain(ipoll, readinto, one, buf, _stream) -> bytes read; in C of the stream itself
frame       cobs_encode(raw) -> without zeros
frame       cobs_decode(data) -> what was encoded, or None
frame       encode(kind, session, seq, ack, payload) -> the frame with its closing zero
frame       decode(chunk) -> (kind, session, seq, ack, payload) of what stood between two zeros, or None
array       drive(m)
array m     lookup_into(key, out) -> whether it is there
array m     update(key, value, flags)
array m     add(key, delta, offset, width) -> the new number
array m     compare_and_swap(key, expected, new) -> whether it was equal
array m     update_part(key, offset, data)
array m     _apply(key, operand, field, out) -> the number before (of an addition, after), None with out; maps/atomic.py has field
array m     _of_field(what, number) -> get, set or add of a field, see fields.py; None where a sort has none
array m     _op(key, value, what) -> answer
hash        drive(m)
hash        entry_at(view, slot, key, value) -> the next slot, 0 at the end
hash m      lookup(key) -> bytes or None
hash m      lookup_into(key, out) -> whether it is there
hash m      update(key, value, flags)
hash m      delete(key)
hash m      add(key, delta, offset, width) -> the new number
hash m      compare_and_swap(key, expected, new) -> whether it was equal
hash m      update_part(key, offset, data)
hash m      _apply(key, operand, field, out) -> as an array's
hash m      _of_field(what, number) -> as an array's
hash m      _op(key, value, what) -> answer
queue       drive(m)
queue       empty(view)
queue m     push(value, flags)
queue m     pop_into(out) -> whether there was a value
queue m     peek_into(out) -> whether there is a value
queue m     _put(value, over) -> answer
ring        drive(m)
ring        claim(view, length) -> the record's offset in the slice, 0 when there is no room
ring        finish(view, at, data, discard)
ring        passed(view) -> the next record's offset in the slice, 0 when there is none
ring        clear(view, force) -> whether nothing was reserved, or by force
ring m      output(data) -> whether there was room
ring m      read_into(out) -> the record's length, -1 when there is none
series      push(view, value, low, high)
series      get(view, number, out) -> whether it is there
lpm         op(view, key, value, what) -> answer; update's flags, LOOKUP, DELETE and NEXT, whose value is a key
lpm         entry_at(view, slot, key, value) -> as a hash table's
lpm         clear(view)
bloom       push(view, value)
bloom       peek(view, value) -> answer, MISS when it was surely not pushed
bloom       clear(view)
check       chains(view) -> 0, or what is wrong with a hash table, and from bit 4 on where; maps/check.py has looked at the header
check       nodes(view) -> the same of a trie
check       records(view) -> the same of a ring
check       slice(view) -> the same of all of a slice that a reset left, its header too; any bytes may be given
check       settle(view); of a ring: discard what is reserved
percpu      drive_array(m)
percpu      drive_hash(m)
percpu      entry_at(view, slot, key, value) -> as a hash table's
percpu      row(m, key, at, buffer, what) -> answer; what has the size of buffer too, from bit 4
percpu      rp2_cpu() -> 0 or 1
percpu m    _add(key, delta, offset, width) -> the new number
percpu m    _swap(key, expected, new) -> whether it was equal
percpu m    _next(key, out) -> answer; of a hash table
"""
