"""Engines and sessions for SQLite and PostgreSQL, with the settings that keep acknowledged data."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

_BUSY_MS = 10_000


class Database:
    """One engine and the two ways to use it: `reading()` and `writing()`."""

    def __init__(self, url: str) -> None:
        """Open an engine for `url`; a SQLite file's folder is made where missing."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {}
        if self.is_sqlite:
            if self.url.database in (None, "", ":memory:"):
                options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
            else:
                Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        else:
            self.url = self.url.set(drivername="postgresql+psycopg")
            options = {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": True}
        self.engine: Engine = create_engine(self.url, hide_parameters=True, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._reader = self.engine.execution_options(portal_reading=True)

    def session(self, *, writing: bool) -> Session:
        """Return a session; a writing one takes SQLite's write lock when it begins."""
        return Session(self.engine if writing else self._reader, expire_on_commit=False, autoflush=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session whose changes are thrown away."""
        with self.session(writing=False) as session:
            yield session
            session.rollback()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session that commits once at the end, or not at all if an exception leaves the block."""
        with self.session(writing=True) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling is off: `_begin_sqlite` says how a transaction begins.
    connection.isolation_level = None
    for pragma in (
        "foreign_keys=ON",
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL loses acknowledged rows in a power cut
        f"busy_timeout={_BUSY_MS}",
        "secure_delete=ON",  # erased personal values leave no bytes in free pages
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # Upgrading a read transaction to a writing one fails with "database is locked" however long the timeout.
    reading = connection.get_execution_options().get("portal_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
