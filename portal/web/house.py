"""What the running application holds: settings, database, token box; and the one session of a request."""

from datetime import datetime
from typing import TypeVar, cast

from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session

from portal import clock
from portal.access.tokens import TokenBox
from portal.config import Settings
from portal.db import Database
from portal.db.together import Work

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SETTINGS, _DATABASE, _TOKENS = "portal.settings", "portal.database", "portal.tokens"


def furnish(app: Flask, settings: Settings) -> None:
    """Give the application its settings, database and token box, and settle every request once, at its end."""
    app.extensions[_SETTINGS] = settings
    app.extensions[_DATABASE] = Database(settings.database)
    app.extensions[_TOKENS] = TokenBox(settings.secret_key, long_lived=settings.unsubscribe_key)
    app.after_request(_settle)
    app.teardown_request(_leave)


def settings() -> Settings:
    """Return the settings of the running application."""
    return cast(Settings, current_app.extensions[_SETTINGS])


def database() -> Database:
    """Return the database of the running application."""
    return cast(Database, current_app.extensions[_DATABASE])


def tokens() -> TokenBox:
    """Return the box that signs and opens tokens."""
    return cast(TokenBox, current_app.extensions[_TOKENS])


def db() -> Session:
    """Return the session of this request; its transaction begins with the first statement."""
    if "db" not in g:
        g.db = database().session(writing=True)
    return cast(Session, g.db)


def reading() -> Session:
    """Return the session this request asks in: on a road that only looks, one that holds up nobody and keeps nothing.

    Where the request has a session that writes, it is that one, so that a request sees what it did.
    """
    if "db" in g or request.method not in _SAFE:
        return db()
    if "reading" not in g:
        g.reading = database().session(writing=False)
    return cast(Session, g.reading)


def keep_together(work: Work[_Item, _Result], item: _Item) -> _Result:
    """Return what `work` makes of `item` once it is durable; requests that do so at one moment share a commit.

    What this request read is let go of first, so that waiting holds up nobody.
    """
    _let_go("reading")
    return database().together.do(work, item)


def now() -> datetime:
    """Return the moment of this request: one request, one instant."""
    if "at" not in g:
        g.at = clock.now()
    return cast(datetime, g.at)


def settle_so_far() -> None:
    """Commit what this request did so far: for the rare view that then works in transactions of its own."""
    db().commit()


def keep() -> None:
    """Commit this request even though it answers with an error: what it counts must stay."""
    g.keep = True


def _settle(response: Response) -> Response:
    session: Session | None = g.get("db")
    if session is None:
        return response
    if response.status_code < 400 or (g.get("keep", False) and response.status_code < 500):
        session.commit()
    else:
        session.rollback()
    return response


def _leave(_error: BaseException | None) -> None:
    _let_go("reading")
    _let_go("db")


def _let_go(name: str) -> None:
    session: Session | None = g.pop(name, None)
    if session is not None:
        session.close()
