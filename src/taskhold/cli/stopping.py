"""Ctrl-C in long work."""

import signal
from types import FrameType


class Stop:
    """Ctrl-C ends the work behind the transaction that is on its way; a second one at once."""

    def __init__(self) -> None:
        self.wanted = False
        self._before = signal.signal(signal.SIGINT, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
        signal.signal(signal.SIGINT, self._before)
