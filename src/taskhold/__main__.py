"""`python -m taskhold` is `taskhold`."""

from taskhold.cli import main

main()
