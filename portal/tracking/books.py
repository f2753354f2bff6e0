"""Keeps the books of a transaction: collects what beats change and writes it in few statements."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.clock import hour_of
from portal.db.prepared import in_one_go
from portal.personalize.rules import HALF_LIFE_DAYS
from portal.tracking import statements
from portal.tracking.beats import Occurrence
from portal.tracking.credits import Credit, ModuleCredit
from portal.tracking.dwell import Totals, dump
from portal.tracking.events import is_calculator


class Books:
    """The changes of one transaction, each row written once however many beats touched it."""

    def __init__(self, db: Session, *, at: datetime) -> None:
        """Open empty books; nothing is written before `close`."""
        self._db = db
        self._at = at
        self._views: dict[str, dict[str, Any]] = {}
        self._refused: dict[str, dict[str, Any]] = {}
        self._sections: dict[tuple[str, str], dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._calculators: dict[tuple[str, str], dict[str, Any]] = {}
        self._daily: dict[tuple[str, str, str, bool], ModuleCredit] = {}
        self._topics: dict[tuple[str, str, str], int] = {}
        self._half_lives: dict[tuple[str, str, str], float] = {}

    def refuse(self, row: dict[str, Any]) -> None:
        """Note that a view's list of refused numbers grew."""
        self._refused[row["id"]] = {"row_id": row["id"], "numbers": row["refused"]}

    def enter(
        self,
        row: dict[str, Any],
        before: Totals,
        after: Totals,
        fresh: Iterable[Occurrence],
        won: Credit | None,
    ) -> None:
        """Note what a beat changed of a view."""
        self._views[row["id"]] = self._view(row, after)
        for key, got in after.sections.items():
            if got != before.sections.get(key):
                section = row["layout"].sections[key]
                self._sections[row["id"], key] = {
                    "view_id": row["id"],
                    "section": section.key,
                    "hcp_id": row["hcp_id"],
                    "site_id": row["site_id"],
                    "module_key": section.module_key,
                    "module_version": section.module_version,
                    "attention_ms": got.attention,
                    "seen_ms": got.seen,
                    "first": got.first,
                    "times": got.times,
                    "passed": got.passed == 1,
                }
        for event in fresh:
            self._event(row, event)
            if is_calculator(event):
                self._calculator(row, event)
        if won is not None:
            self._credit(row, won)

    def _moment(self, row: dict[str, Any]) -> datetime:
        """Return the time of what is noted now; without a name only its hour, which leads to no visit."""
        return self._at if row["hcp_id"] else hour_of(self._at)

    def close(self) -> None:
        """Write everything; the caller commits."""
        connection = self._db.connection()
        run, dialect, kind = self._db.execute, connection.dialect, connection.dialect.name
        if self._refused:
            run(statements.save_refused(), _in_order(self._refused))
        if self._events:
            run(statements.add_interactions(kind), self._events)
        if self._calculators:
            run(statements.save_calculators(kind), _in_order(self._calculators))
        with in_one_go(connection):
            if self._views:
                statements.save_view(dialect).run(connection, _in_order(self._views))
            if self._sections:
                statements.save_sections(dialect).run(connection, _in_order(self._sections))
            if self._daily:
                days = sorted(self._daily.items(), key=_key)
                statements.add_days(dialect).run(connection, [self._day(key, won) for key, won in days])
            if self._topics:
                self._add_interest(connection)

    def _view(self, row: dict[str, Any], totals: Totals) -> dict[str, Any]:
        values = {
            "last_at": self._moment(row),
            "begun_ms": row["begun_ms"],
            "vis_ms": totals.vis,
            "eng_ms": totals.eng,
            "ret_ms": totals.ret,
            "silences": totals.sil,
            "pend_ms": totals.pend,
            "blur_ms": totals.blur,
            "idle_ms": totals.idle,
            "gap_ms": totals.gap,
            "video_ms": totals.vid,
            "depth": totals.depth,
            "confirmed": totals.touched,
            "sent": totals.sent,
            "received": totals.received,
            "wall_ms": totals.tail.wall,
            "state": dump(totals),
        }
        return {"row_id": row["id"], **{f"new_{name}": values[name] for name in statements.COUNTERS}}

    def _event(self, row: dict[str, Any], event: Occurrence) -> None:
        self._events.append(
            {
                "view_id": row["id"],
                "no": event.no,
                "type": event.type,
                "subject": event.subject,
                "hcp_id": row["hcp_id"],
                "site_id": row["site_id"],
                "value": event.value,
                "version": event.version,
                "at": self._moment(row),
            }
        )

    def _calculator(self, row: dict[str, Any], event: Occurrence) -> None:
        completed = event.type == "calculator.completed"
        key = (row["id"], event.subject)
        use = self._calculators.setdefault(
            key,
            {
                "view_id": row["id"],
                "calculator": event.subject,
                "hcp_id": row["hcp_id"],
                "site_id": row["site_id"],
                "version": event.version,
                "opened_at": self._moment(row),
                "completed_at": None,
                "band": "",
                "profiled": row["feeds_profile"],
                "last_no": 0,
            },
        )
        if event.version:
            use["version"] = event.version
        if completed:
            use |= {"completed_at": self._moment(row), "band": event.value, "last_no": event.no}

    def _credit(self, row: dict[str, Any], won: Credit) -> None:
        for event in won.derived:
            self._event(row, event)
        for module, part in won.modules.items():
            key = (row["hcp_id"] or "", row["site_id"], module, row["feeds_profile"])
            total = self._daily.setdefault(key, ModuleCredit())
            total.eng_ms += part.eng_ms
            total.reads += part.reads
            total.skips += part.skips
            total.downloads += part.downloads
            total.completed |= part.completed
            total.answers += part.answers
            total.useful = part.useful if part.useful is not None else total.useful
        if row["hcp_id"] and row["feeds_profile"]:
            for topic, ms in won.topics.items():
                place = (row["hcp_id"], row["site_id"], topic)
                self._topics[place] = self._topics.get(place, 0) + ms
                self._half_lives[place] = row["half_life_days"] or HALF_LIFE_DAYS

    def _day(self, key: tuple[str, str, str, bool], won: ModuleCredit) -> dict[str, Any]:
        hcp_id, site_id, module, profiled = key
        return {
            "hcp_id": hcp_id,
            "site_id": site_id,
            "module_key": module,
            "day": self._at.date().isoformat(),
            "profiled": profiled,
            "eng_ms": won.eng_ms,
            "reads": won.reads,
            "skips": won.skips,
            "downloads": won.downloads,
            "completed": won.completed,
            "useful": won.useful,
            "answers": won.answers,
            "last_at": self._at if hcp_id else hour_of(self._at),
        }

    def _add_interest(self, connection: Connection) -> None:
        for half_life, some in groupby(sorted(self._topics.items()), key=lambda each: self._half_lives[each[0]]):
            rows = [
                {"hcp_id": place[0], "site_id": place[1], "topic": place[2], "value_ms": float(ms), "at": self._at}
                for place, ms in some
            ]
            statements.add_interest(connection.dialect, float(half_life)).run(connection, rows)


def _in_order(rows: dict[Any, dict[str, Any]]) -> list[dict[str, Any]]:
    # One order of locking for all writers, so that two never wait for each other.
    return [rows[key] for key in sorted(rows)]


def _key(item: tuple[Any, Any]) -> Any:
    return item[0]
