"""Deeds side by side: begun at the same moment, or waited for."""

import threading
import time
from collections.abc import Callable

_PATIENCE_S = 60


def at_once(*deeds: Callable[[], object]) -> None:
    """Do everything at the same moment, each in a thread of its own, and raise the first fault."""
    faults: list[BaseException] = []
    start = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        try:
            start.wait(_PATIENCE_S)
            deed()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread brings about; raises AssertionError where it never does."""
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.001)
