# The built-in Pico firmware: the stock one, and boardmaps.
include("stock.py")
include("../../firmware/manifest.py")
