"""Typed maps on the computer: the bytes of keys and values as Python's values, by the schema that a map carries.

`boardmaps.schema` is the parser, the same on boards. values.py goes between a field's bytes and values, and text for people.
"""
