"""`python -m boardmaps_host.cli`: the command where it is not installed."""

from . import main

main()
