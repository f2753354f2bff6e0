"""Processes that write to one SQLite file take turns: who waits sleeps until it is their turn, not a guessed while."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """The turns at one file. They only order those who take them: it is SQLite's own lock that protects the data."""

    def __init__(self, file: Path) -> None:
        """Name the file whose lock says whose turn it is; it is made when first needed."""
        self._file = file
        self._opened: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and hold it; it ends with the process at the latest. For one thread at a time."""
        if self._opened is None:
            self._opened = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._opened, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._opened, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None
