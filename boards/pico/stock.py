# The stock Pico firmware: the port's own modules and asyncio. What the official one has beyond that are drivers of
# micropython-lib (onewire, ds18x20, dht, neopixel), which Debian's source does not carry and nothing here uses.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
