"""The worker tidies up: what is kept no longer goes, and nothing else."""

from datetime import timedelta

from sqlalchemy import func, insert, select

from portal import clock
from portal.cli.worker import tidy
from portal.db import Database, rates
from portal.db.rates import RateCount
from portal.tracking.events import REGISTRY
from portal.tracking.models import Interaction


def test_events_past_their_retention_go_and_younger_ones_stay(database: Database) -> None:
    at, kept = clock.now(), REGISTRY["page.printed"].days
    with database.writing() as db:
        for no, days in enumerate((kept + 1, kept - 1), start=1):
            row = {"view_id": "a" * 32, "no": no, "type": "page.printed", "subject": "home", "hcp_id": "b" * 32}
            row |= {"site_id": "c" * 32, "value": "", "version": "", "at": at - timedelta(days=days)}
            db.execute(insert(Interaction).values(**row))
        rates.allow(db, "old", limit=1, window=timedelta(minutes=1), at=at - timedelta(days=3))
        rates.allow(db, "new", limit=1, window=timedelta(minutes=1), at=at)
    tidy(database, at=at)
    with database.reading() as db:
        assert list(db.scalars(select(Interaction.no))) == [2]
        assert db.scalar(select(func.count()).select_from(RateCount)) == 1
