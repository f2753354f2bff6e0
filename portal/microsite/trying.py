"""Takes back-tests on: pages are read and decided again, then what was found is kept in a short transaction."""

import time
from collections.abc import Callable
from datetime import datetime

from portal.db import Database
from portal.microsite.history import pages_after
from portal.personalize.backtest import Backtest, Fidelity, Tally, tried
from portal.rulebook import backtests, queries
from portal.rulebook.backtests import BacktestRow
from portal.rulebook.trials import joined

_PART = 500


def take_on(database: Database, backtest_id: str, *, seconds: float, clock: Callable[[], datetime]) -> None:
    """Take a back-test on for about so many seconds; two who do so at once count no page twice."""
    with database.reading() as db:
        row = backtests.backtest_of(db, backtest_id)
        version = queries.rule_set(db, row.rule_set_id) if row is not None else None
        if row is None or version is None or row.finished_at is not None:
            return
    found, last = _tried(database, row, version.site_id, seconds)
    with database.writing() as db:
        backtests.keep_part(db, row, found, last=last, at=clock())


def take_on_all(database: Database, *, seconds: float, clock: Callable[[], datetime]) -> int:
    """Take on every back-test that is not finished, each for about so many seconds; return how many there were."""
    with database.reading() as db:
        waiting = backtests.unfinished(db)
    for backtest_id in waiting:
        take_on(database, backtest_id, seconds=seconds, clock=clock)
    return len(waiting)


def _tried(
    database: Database, row: BacktestRow, site_id: str, seconds: float
) -> tuple[Tally, tuple[datetime, str] | None]:
    """Return what the next pages say, and the last of them; None where there are no more."""
    found = Tally(Backtest(), Fidelity())
    last = (row.last_at, row.last_id) if row.last_at is not None else None
    ends = time.monotonic() + seconds
    with database.reading() as db:
        known = {(one.id, one.version): one.rules for one in queries.history(db, site_id)}
        while True:
            pages = pages_after(db, site_id, after=last, until=row.started_at, most=_PART)
            found = joined(found, tried([page for _, page in pages], row.rules, known))
            if len(pages) < _PART:
                return found, None
            last = (pages[-1][0], pages[-1][1].id)
            if time.monotonic() >= ends:
                return found, last
