# What is frozen into the Cortex-M3 build: asyncio, the board's own modules, and boardmaps.
include("$(MPY_DIR)/extmod/asyncio")
freeze("modules")
include("../../firmware/manifest.py")
