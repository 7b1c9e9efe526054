"""Builds of MicroPython for real chips, from a distribution's own packages, outside the clone.

`tools` names the packages of the cross tool chain, `debian` fetches sources through a private apt configuration,
`source` decides which MicroPython is built, `rp2` and `qemu_port` build it, `cache` says where everything lives.
"""
