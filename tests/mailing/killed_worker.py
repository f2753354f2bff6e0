"""A worker that ends itself without warning (SIGKILL) at the n-th step of handing over; run as a process of its own."""

import os
import signal
import sys
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


if __name__ == "__main__":
    main(*sys.argv[1:])
