"""Engines and sessions for SQLite and PostgreSQL, with the settings that keep acknowledged data."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from portal.db.together import Together
from portal.db.turns import Turns

__all__ = ["Database", "Session"]

_BUSY_MS = 10_000
_PATIENT_MS = 300_000  # setting up holds the database as long as it takes on a slow machine
_TRUSTED_S = 1.0  # a connection that rested no longer is taken to be alive


class Database:
    """One engine and the ways to use it: `reading()`, `writing()`, and `together` for what shares a commit."""

    def __init__(self, url: str) -> None:
        """Open an engine for `url`; a SQLite file's folder is made where missing."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {}
        self._turns: Turns | None = None
        if self.is_sqlite:
            if self.url.database in (None, "", ":memory:"):
                options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
            else:
                file = Path(str(self.url.database))
                file.parent.mkdir(parents=True, exist_ok=True)
                self._turns = Turns(file.with_name(f"{file.name}-turn"))
        else:
            self.url = self.url.set(drivername="postgresql+psycopg")
            options = {"pool_size": 5, "max_overflow": 10}
        self.engine: Engine = create_engine(self.url, hide_parameters=True, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "checkin", _note_rest)
            event.listen(self.engine, "checkout", _ask_after_rest)
        self._reader = self.engine.execution_options(portal_reading=True)
        self.together = Together(self._in_turn)

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

    @contextmanager
    def _in_turn(self) -> Iterator[Session]:
        """Give a session as `writing()` does, begun, in turn with the other processes that share commits."""
        with (
            self.session(writing=True) as session,
            self._turns.turn() if self._turns else nullcontext(),
            session.begin(),
        ):
            session.connection()  # begins now
            yield session

    def be_patient(self) -> None:
        """Wait for minutes where another writes, as setting up does; for commands that nobody waits for."""
        if self.is_sqlite:
            event.listen(self.engine, "checkout", _wait_long)

    def empty_log(self) -> bool:
        """Move SQLite's write-ahead log into the file and cut it to nothing, so that no erased value stays in it.

        Return False where somebody read or wrote meanwhile and the log could not be emptied; always True elsewhere.
        """
        if not self.is_sqlite:
            return True
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
        if self._turns:
            self._turns.close()


def _note_rest(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["rests_since"] = time.monotonic()


def _ask_after_rest(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
    # A server may have been restarted meanwhile. Asking before every use would cost hot roads a trip each.
    if time.monotonic() - entry.info.get("rests_since", math.inf) < _TRUSTED_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error:
        raise InvalidatePoolError from None


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling is off: `_begin_sqlite` says how a transaction begins.
    connection.isolation_level = None
    connection.create_function("power", 2, math.pow, deterministic=True)  # not every SQLite is built with it
    for pragma in (
        f"busy_timeout={_BUSY_MS}",  # first: changing the journal waits too
        "foreign_keys=ON",
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL loses acknowledged rows in a power cut
        "secure_delete=ON",  # erased personal values leave no bytes in free pages
    ):
        connection.execute(f"PRAGMA {pragma}")


def _wait_long(connection: sqlite3.Connection, _entry: ConnectionPoolEntry, _proxy: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={_PATIENT_MS}")


def _begin_sqlite(connection: Connection) -> None:
    # Upgrading a read transaction to a writing one fails with "database is locked" however long the timeout.
    reading = connection.get_execution_options().get("portal_reading", False)
    connection.connection.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
