"""`/healthz`, `/readyz` and robots.txt: for machines."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify

from portal.audit.sealing import waits_since
from portal.db import migrate
from portal.mailing.outbox import due_since
from portal.web import guards, house

bp = Blueprint("status", __name__)

_WORKER_SILENT = timedelta(minutes=1)  # it seals every two seconds


@bp.get("/healthz")
@guards.public("Load balancers ask whether the process is alive; it answers nothing else.")
def healthz() -> Response:
    """Answer that the process is alive."""
    return jsonify(status="alive")


@bp.get("/readyz")
@guards.public("Load balancers ask whether requests can be served; it answers with yes or no per part.")
def readyz() -> tuple[Response, int]:
    """Answer whether the database is reachable and its tables are up to date, and how the worker keeps up.

    Pages are served without the worker, so that only database and migrations decide the status. `worker` is false
    where an event has waited longer than a minute to be sealed; `outbox_lag_s` tells for how long the oldest mail has
    been due, null where no mail server is set and mail waits to be read.
    """
    worker, lag = False, None
    try:
        migrated, reachable = migrate.state(house.database()).is_up_to_date, True
        if migrated:
            worker, lag = _kept_up(house.now())
    except Exception:  # whatever is wrong with the database, the answer is that we are not ready
        migrated = reachable = False
    parts = {"database": reachable, "migrations": migrated, "worker": worker, "outbox_lag_s": lag}
    return jsonify(parts), 200 if reachable and migrated else 503


@bp.get("/robots.txt")
@guards.public("Search engines are told to index nothing.")
def robots() -> Response:
    """Answer that nothing here is for search engines."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


def _kept_up(at: datetime) -> tuple[bool, int | None]:
    with house.database().reading() as db:
        waits, due = waits_since(db), due_since(db, at)
    lag = int((at - due).total_seconds()) if due is not None else 0
    return waits is None or at - waits < _WORKER_SILENT, lag if house.settings().smtp_url else None
