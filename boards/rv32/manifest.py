# What is frozen into the RISC-V build: boardmaps alone.
include("../../firmware/manifest.py")
