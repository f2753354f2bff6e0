"""The rows of page views that beats are for; a copy of a page has a row of its own."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import Session

from portal.tracking import statements
from portal.tracking.beats import CLOSED_AFTER_MS
from portal.tracking.credits import layout_of
from portal.tracking.drops import Drop
from portal.tracking.dwell import load
from portal.tracking.funnel import Admitted
from portal.tracking.models import PageView

_MOST_COPIES = 20
_CLOSED = timedelta(milliseconds=CLOSED_AFTER_MS)


def rows_of(db: Session, waiting: Mapping[str, list[tuple[int, Admitted]]]) -> dict[str, dict[str, Any]]:
    """Return the rows beats are for, by id; a copy of a page gets a row of its own when it first speaks."""
    rows = _load(db, list(waiting))
    for row_id, arrived in sorted(waiting.items()):
        admitted = arrived[0][1]
        if row_id in rows or not admitted.beat.copy:
            continue
        base = db.execute(statements.whole_view(), {"row_id": admitted.ticket.view_id}).mappings().first()
        if base is None:
            continue
        if _copies(db, base) >= _MOST_COPIES:
            rows[row_id] = {"drop": Drop.TOO_MANY_COPIES}
            continue
        blank: dict[str, Any] = dict.fromkeys((*statements.COUNTERS, "begun_ms"))
        opened_at = base["opened_at"] + timedelta(milliseconds=max(0, admitted.elapsed - admitted.beat.age))
        db.execute(
            statements.add_copies(db.get_bind().dialect.name),
            {
                **base,
                **blank,
                "id": row_id,
                "copy_of": base["id"],
                "opened_at": opened_at,
                "confirmed": False,
                "refused": [],
            },
        )
        rows |= _load(db, [row_id])
    return rows


def _copies(db: Session, base: RowMapping) -> int:
    """Return how many copies of a page have spoken, found by what they have in common with it however long the past."""
    since = base["opened_at"]
    alike = [PageView.copy_of == base["id"], PageView.opened_at >= since, PageView.opened_at <= since + _CLOSED]
    if base["visit_id"] is not None:
        alike.append(PageView.visit_id == base["visit_id"])
    return db.scalar(select(func.count()).select_from(PageView).where(*alike)) or 0


def _load(db: Session, ids: list[str]) -> dict[str, dict[str, Any]]:
    connection = db.connection()
    found = statements.views_by_id(connection.dialect, len(ids)).rows(connection, ids)
    for row in found:
        row["layout"] = layout_of(row["layout"])
        row["totals"] = load(row["state"])
    return {row["id"]: row for row in found}


def id_of_row(admitted: Admitted) -> str:
    """Return the id of the row a beat is for: the view's, or one derived from it for a restored copy of its page."""
    if not admitted.beat.copy:
        return admitted.ticket.view_id
    return hashlib.sha256(f"{admitted.ticket.view_id} {admitted.beat.copy}".encode()).hexdigest()[:32]
