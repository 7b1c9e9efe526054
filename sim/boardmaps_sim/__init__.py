"""Simulated MicroPython boards that mpremote cannot tell from real ones. Knows nothing of maps."""
