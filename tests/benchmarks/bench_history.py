"""What pages, beats, timeline and brief cost as the history grows: in one process, by processor time.

Run with `python -m tests.benchmarks.bench_history [--postgres] [--views 10000 300000] [--json]`: page views of other
doctors, each with three sections, an event and a day's roll-up, are added until there are so many; then one doctor's
own history is brought to 10,000 events. Goals: page and beat at most 1.2 times as dear; timeline and brief in 100 ms.
"""

import argparse
import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text

from portal import clock, create_app
from portal.access.models import Visit
from portal.audit import Actor
from portal.config import load
from portal.db import Database, migrate, new_id
from portal.hcp.actions import record_consent
from portal.hcp.models import Hcp
from portal.staff.actions import create_user
from portal.staff.roles import Role
from portal.tracking.models import Interaction, PageView, SectionView
from tests.benchmarks.bench_beat import KEY, _postgres, _request

SITE, DOCTOR = "atorvastatin-us-en", "H-1001"
SAME = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
PASSWORD = "correct horse battery staple"
VISITS, VIEWS_EACH, EVENTS_EACH = 100, 10, 6  # 1,000 views, 3,000 sections, 6,000 events


def main() -> int:
    """Print what everything costs at every size of the history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--views", type=int, nargs="+", default=[10_000, 300_000])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-history-")))
        url = _postgres(stack, folder) if chosen.postgres else f"sqlite:///{folder / 'bench.sqlite'}"
        app = create_app(load(database_url=url, secret_key=KEY, instance_path=str(folder), base_url="http://localhost"))
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        database: Database = app.extensions["portal.database"]
        stack.callback(database.close)
        migrate.upgrade(database)
        command(app, "demo", "seed")
        agree(database)
        reader, desk = visitor(app), manager(app)
        reader.get("/m/")
        found: list[dict[str, Any]] = []
        have = 0
        for wanted in sorted(chosen.views):
            grow(database, have, wanted)
            have = wanted
            found.append({"page_views": wanted, **measured(database, reader, desk)})
        own_history(database)
        found.append({"page_views": have, "events_of_the_doctor": 10_000, **measured(database, reader, desk)})
    result = {"database": "postgresql" if chosen.postgres else "sqlite", "ms": found}
    print(json.dumps(result) if chosen.json else "\n".join(map(str, (result["database"], *found))))
    return 0


def measured(database: Database, reader: FlaskClient, desk: FlaskClient) -> dict[str, float]:
    """Return the ms of processor time (timeline, brief and report: of the clock) of everything."""
    page = reader.get("/m/")
    credential = re.search(r'data-view="([^"]+)"', page.text)
    assert credential
    bodies = iter([_request(credential[1], n).split(b"\r\n\r\n", 1)[1] for n in range(1, 200)])

    def beat() -> None:
        assert reader.post("/b", data=next(bodies), headers=SAME).status_code == 204

    with database.reading() as db:
        doctor = db.scalar(select(Hcp.id).where(Hcp.ref == DOCTOR))

    def opened(client: FlaskClient, path: str) -> Callable[[], None]:
        def open_it() -> None:
            answer = client.get(path)
            assert answer.status_code == 200, answer.status

        return open_it

    return {
        "page": best(opened(reader, "/m/"), time.process_time, 40),
        "beat": best(beat, time.process_time, 40),
        "timeline": best(opened(desk, f"/staff/doctors/{doctor}"), time.perf_counter, 7),
        "brief": best(opened(desk, f"/staff/doctors/{doctor}/brief"), time.perf_counter, 7),
        "territories": best(opened(desk, "/staff/doctors/territories"), time.perf_counter, 7),
    }


def best(deed: Callable[[], None], timer: Callable[[], float], times: int) -> float:
    """Return the least ms of several times: what the machine does beside only adds."""
    deed()
    least = float("inf")
    for _ in range(times):
        began = timer()
        deed()
        least = min(least, timer() - began)
    return round(least * 1000, 2)


def grow(database: Database, have: int, wanted: int) -> None:
    """Add page views of other doctors, with sections, events and days, until there are `wanted`."""
    number = "printf('%032x', i)" if database.is_sqlite else "lpad(to_hex(i), 32, '0')"
    whose = "printf('%032x', i % 5000)" if database.is_sqlite else "lpad(to_hex(i % 5000), 32, '0')"
    day = "date('now', '-' || (i % 90) || ' days')" if database.is_sqlite else "(current_date - (i % 90)::int)::text"
    with database.reading() as db:
        view = db.scalars(select(PageView).where(PageView.visit_id.is_not(None))).first()
        assert view is not None
        names = [column.name for column in PageView.__table__.c if column.name not in ("id", "hcp_id", "visit_id")]
        template, site = view.id, view.site_id
    counted = f"WITH RECURSIVE n(i) AS (SELECT {have} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {wanted})"
    for columns, values, more in (
        (f"page_views (id, hcp_id, visit_id, {', '.join(names)})", f"{number}, {whose}, {number}, {', '.join(names)}",
         f", page_views WHERE id = '{template}'"),
        ("interactions (view_id, no, type, subject, hcp_id, site_id, value, version, at)",
         f"{number}, 1, 'module.expanded', 'dosing', {whose}, '{site}', '', '', opened_at",
         f", page_views WHERE id = '{template}'"),
        ("daily_dwell (hcp_id, site_id, module_key, day, profiled, eng_ms, reads, skips, downloads, completed, useful,"
         " answers, last_at)",
         f"{whose}, '{site}', 'module-' || (i / 5000 % 24), {day}, {'1' if database.is_sqlite else 'true'},"
         f" 5000, 1, 0, 0, {'0' if database.is_sqlite else 'false'}, NULL, '', opened_at",
         f", page_views WHERE id = '{template}' ON CONFLICT DO NOTHING"),
    ):  # fmt: skip
        with database.writing() as db:
            db.execute(text(f"INSERT INTO {columns} {counted} SELECT {values} FROM n{more}"))
    never = "0" if database.is_sqlite else "false"
    for place in range(3):
        with database.writing() as db:
            db.execute(
                text(
                    "INSERT INTO section_views (view_id, section, hcp_id, site_id, module_key, module_version,"
                    f" attention_ms, seen_ms, first, times, passed) {counted} SELECT {number}, 's{place}', {whose},"
                    f" '{site}', 'module-{place}', '{'v' * 32}', 1000, 1000, 1, 1, {never} FROM n"
                )
            )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def own_history(database: Database) -> None:
    """Bring one doctor's own history to 10,000 views, sections and events."""
    at = clock.now()
    with database.writing() as db:
        visit = db.execute(select(Visit.__table__).order_by(Visit.opened_at.desc()).limit(1)).mappings().one()
        last = select(PageView.__table__).where(PageView.visit_id == visit["id"]).order_by(PageView.opened_at.desc())
        view = db.execute(last.limit(1)).mappings().one()
        tables: dict[Any, list[dict[str, Any]]] = {Visit: [], PageView: [], SectionView: [], Interaction: []}
        known = {name: view[name] for name in ("hcp_id", "site_id")}
        for number in range(VISITS):
            opened = at - timedelta(days=number % 80 + 1, minutes=number)
            visit_id = new_id()
            tables[Visit].append({**visit, "id": visit_id, "token_hash": new_id() * 2, "opened_at": opened, "grade": 3})
            for place in range(VIEWS_EACH):
                view_id, shown = new_id(), opened + timedelta(minutes=place)
                tables[PageView].append({**view, "id": view_id, "visit_id": visit_id, "opened_at": shown})
                for key in ("dosing", "warnings", "adverse-reactions"):
                    counters = {"attention_ms": 9000, "seen_ms": 9000, "first": 1, "times": 1, "passed": False}
                    about = {"section": key, "module_key": key, "module_version": "v" * 32}
                    tables[SectionView].append({"view_id": view_id, **known, **about, **counters})
                for no in range(EVENTS_EACH):
                    what = {"type": "module.expanded", "subject": "dosing", "value": "", "version": ""}
                    tables[Interaction].append({"view_id": view_id, "no": no + 1, **known, **what, "at": shown})
        for model, rows in tables.items():
            db.execute(insert(model.__table__), rows)


def command(app: Flask, *words: str) -> str:
    """Run one of the portal's commands and return what it printed."""
    done = app.test_cli_runner().invoke(args=list(words))
    assert done.exit_code == 0, done.output
    return done.output


def agree(database: Database) -> None:
    """Let the doctor agree to everything."""
    with database.writing() as db:
        doctor = db.scalar(select(Hcp.id).where(Hcp.ref == DOCTOR))
        assert doctor is not None
        for purpose, decision in (("tracking", "identified"), ("profiling", "given")):
            record_consent(db, doctor, None, purpose, decision, "bench", "", by=Actor.system("bench"), at=clock.now())


def visitor(app: Flask) -> FlaskClient:
    """Return a browser in which the doctor has opened a fresh link."""
    url = command(app, "links", "issue", "--hcp", DOCTOR, "--site", SITE).strip()
    client, path = app.test_client(), url[url.index("/v/") :]
    nonce = re.search(r'name="nonce" value="([^"]+)"', client.get(path).text)
    assert nonce
    answer = client.post(path, data={"nonce": nonce[1]}, headers={**SAME, "User-Agent": AGENT})
    assert answer.status_code == 303, answer.status
    return client


def manager(app: Flask) -> FlaskClient:
    """Return a browser in which a manager is signed in."""
    database: Database = app.extensions["portal.database"]
    by = Actor.system("bench")
    with database.writing() as db:
        named = {"email": "bench@portal.example", "name": "Bench", "password": PASSWORD}
        create_user(db, **named, roles=[Role.MANAGER], by=by, at=clock.now())
    client = app.test_client()
    answer = client.post("/staff/sign-in", data=named, headers=SAME)
    assert answer.status_code == 303, answer.status
    return client


if __name__ == "__main__":
    sys.exit(main())
