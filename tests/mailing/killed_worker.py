"""A worker that ends itself without warning (SIGKILL) at the n-th step of handing over; a process of its own."""

import multiprocessing
import os
import signal
from datetime import datetime

from portal import load_tables
from portal.access.tokens import TokenBox
from portal.config import Settings
from portal.db import Database
from portal.microsite.post_office import hand_over_due
from tests.conftest import KEY


def main(database_url: str, smtp_url: str, last_step: str, at: str) -> None:
    load_tables()

    def on_step(name: str) -> None:
        if name == last_step:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(secret_key=(KEY,), database_url=database_url, smtp_url=smtp_url)
    moment = datetime.fromisoformat(at)
    hand_over_due(Database(database_url), TokenBox((KEY,)), settings, clock=lambda: moment, on_step=on_step)


def run(database_url: str, smtp_url: str, last_step: str, at: str) -> int | None:
    """Run such a worker to its end; return its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # a worker is up in moments
    worker = context.Process(target=main, args=(database_url, smtp_url, last_step, at))
    worker.start()
    worker.join(60)
    return worker.exitcode
