"""A site, two people and a clock for the tests of the content room."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.content import actions, triggers
from portal.content.approval import Printable
from portal.content.states import BlockKind, Kind
from portal.db import Database

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AUTHOR = Actor.staff("a" * 32)
REVIEWER = Actor.staff("b" * 32)
OTHER = Actor.staff("c" * 32)


def plainly(version: Printable) -> tuple[str, str]:
    """Render a version without templates."""
    return f"<article>{version.title} {version.number}</article>", version.body


@dataclass(frozen=True)
class Desk:
    """A session and a site, with the verbs that many tests need."""

    db: Session
    site: str

    def module(self, key: str = "dosing", kind: Kind = Kind.ARTICLE) -> str:
        return actions.create_module(self.db, self.site, key=key, kind=kind, by=AUTHOR, at=AT)

    def block(self, key: str = "isi", kind: BlockKind = BlockKind.SAFETY) -> str:
        return actions.create_block(self.db, self.site, key=key, kind=kind, by=AUTHOR, at=AT)

    def draft(self, subject: str, body: str = "<h2>One</h2><p>two three</p>", at: datetime = AT) -> str:
        content = actions.ModuleContent("Dosing", body, topics=("dosing",))
        return actions.draft(self.db, subject, content, by=AUTHOR, at=at)

    def in_review(self, subject: str, body: str = "<h2>One</h2><p>two three</p>", at: datetime = AT) -> str:
        version = self.draft(subject, body, at)
        actions.submit(self.db, version, by=AUTHOR, at=at)
        return version

    def approve(
        self,
        version: str,
        *,
        at: datetime = AT,
        since: datetime | None = None,
        until: datetime | None = None,
        code: str = "",
        confirmed: bool = False,
    ) -> str:
        actions.approve(
            self.db,
            version,
            approval_code=code or f"MAT-US-{version[:12]}",
            render=plainly,
            in_force_from=since,
            in_force_until=until,
            confirmed=confirmed,
            by=REVIEWER,
            at=at,
        )
        return version

    def approved(self, subject: str, *, at: datetime = AT, until: datetime | None = None) -> str:
        return self.approve(self.in_review(subject, at=at), at=at, until=until)


@pytest.fixture
def guarded(database: Database) -> Database:
    """A database whose own triggers keep versions immutable, as migrations leave it."""
    with database.engine.begin() as connection:
        if database.is_sqlite:
            count = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = 'reviews_no_update'"
        else:
            count = "SELECT count(*) FROM pg_trigger WHERE tgname = 'reviews_written_once'"
        assert "module_versions" in inspect(connection).get_table_names()
        if not connection.execute(text(count)).scalar():
            for statement in triggers.SQLITE_UP if database.is_sqlite else triggers.POSTGRES_UP:
                connection.exec_driver_sql(statement)
    return database


@pytest.fixture
def desk(guarded: Database) -> Iterator[Desk]:
    """A site in a writing session that is committed at the end of the test."""
    with guarded.writing() as db:
        site = actions.create_site(
            db,
            "atorvastatin-us-en",
            brand="Lipitor",
            generic="atorvastatin calcium",
            market="US",
            language="en",
            by=AUTHOR,
            at=AT,
        )
        yield Desk(db, site)
