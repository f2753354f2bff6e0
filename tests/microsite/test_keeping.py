"""What must be durable before a page is shown: kept with many others at once, and only while it still holds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal import clock
from portal.access.actions import choose_standard_order, revoke_link
from portal.access.models import Visit
from portal.audit.models import AuditEvent
from portal.db import Database
from portal.db.together import Together
from portal.hcp.models import Hcp
from portal.microsite.models import StoredArrangement
from portal.tracking.choices import forget_history
from portal.tracking.models import PageView
from tests.microsite.doctors import BY, Doctor, versions_of, withdraw
from tests.threads import until


def revoked(doctor: Doctor) -> None:
    with doctor.database.writing() as db:
        revoke_link(db, doctor.link_id, reason="asked for", by=BY, at=clock.now())


def consent_withdrawn(doctor: Doctor) -> None:
    doctor.decide(profiling="refused")


def measuring_refused(doctor: Doctor) -> None:
    doctor.decide(tracking="none")


def module_withdrawn(doctor: Doctor) -> None:
    withdraw(doctor, versions_of(doctor, "clinical-studies")[0])


def history_forgotten(doctor: Doctor) -> None:
    with doctor.database.writing() as db:
        forget_history(db, doctor.id, doctor.site_id, by=BY, at=clock.now())


def order_chosen(doctor: Doctor) -> None:
    with doctor.database.writing() as db:
        visit = db.scalars(select(Visit.id).where(Visit.link_id == doctor.link_id)).one()
        choose_standard_order(db, visit, standard=True)


def erased(doctor: Doctor) -> None:
    with doctor.database.writing() as db:
        db.execute(update(Hcp).where(Hcp.id == doctor.id).values(erased_at=clock.now()))


def traces(doctor: Doctor) -> tuple[int, ...]:
    served = select(func.count()).select_from(AuditEvent).where(AuditEvent.name == "page.served")
    counts = [served, *(select(func.count()).select_from(table) for table in (StoredArrangement, PageView))]
    return tuple(doctor.rows(count)[0][0] for count in counts)


@pytest.mark.parametrize(
    "deed",
    [revoked, consent_withdrawn, measuring_refused, module_withdrawn, history_forgotten, order_chosen, erased],
)
def test_a_page_is_not_shown_whose_ground_moved_while_it_was_made(
    demo_app: Flask, monkeypatch: pytest.MonkeyPatch, deed: Callable[[Doctor], None]
) -> None:
    doctor = Doctor(demo_app)
    doctor.decide(tracking="identified", profiling="given")
    doctor.get()
    before, keep = traces(doctor), Together.do

    def late(self: Together, work: Any, item: Any) -> Any:
        monkeypatch.setattr(Together, "do", keep)
        deed(doctor)
        return keep(self, work, item)

    monkeypatch.setattr(Together, "do", late)
    answer = doctor.client.get("/m/search?q=renal")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/m/search?q=renal")
    assert "renal" not in answer.text.replace("/m/search?q=renal", "")
    assert traces(doctor) == before
    again = doctor.client.get("/m/search?q=renal")
    if deed in (revoked, erased):
        assert again.headers["Location"].endswith("/v/lost")
    else:
        assert again.status_code == 200


def test_nothing_is_shown_that_cannot_be_kept(demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = Doctor(demo_app)
    doctor.get()
    before = traces(doctor)
    demo_app.testing = False

    @contextmanager
    def full(_self: Database) -> Iterator[Session]:
        raise OSError("no space left on device")
        yield

    together = doctor.database.together
    monkeypatch.setattr(together, "_writing", full.__get__(doctor.database))
    answer = doctor.client.get("/m/")
    assert answer.status_code == 500
    assert "module-card" not in answer.text
    assert traces(doctor) == before


def test_deeds_of_several_kinds_that_wait_share_one_commit(sqlite_database: Database) -> None:
    opened: list[int] = []
    waiting, go = threading.Event(), threading.Event()

    @contextmanager
    def writing() -> Iterator[Session]:
        opened.append(1)
        with sqlite_database.writing() as db:
            yield db

    together = Together(writing)

    def slow(_db: Session, items: list[int]) -> list[int]:
        waiting.set()
        assert go.wait(10)
        return items

    def doubled(_db: Session, items: list[int]) -> list[int]:
        return [item * 2 for item in items]

    def refusing(_db: Session, items: list[int]) -> list[int]:
        if -1 in items:
            raise ValueError("not this one")
        return items

    found: dict[int, Any] = {}

    def do(place: int, work: Any, item: int) -> None:
        try:
            found[place] = together.do(work, item)
        except ValueError as fault:
            found[place] = str(fault)

    threads = [threading.Thread(target=do, args=(0, slow, 7))]
    threads[0].start()
    assert waiting.wait(10)
    threads += [threading.Thread(target=do, args=(place, doubled, place)) for place in (1, 2, 3)]
    threads += [threading.Thread(target=do, args=(place, refusing, place)) for place in (4, 5)]
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(together._queue) == 5)
    go.set()
    for thread in threads:
        thread.join()
    assert found == {0: 7, 1: 2, 2: 4, 3: 6, 4: 4, 5: 5}
    assert len(opened) == 2
    do(6, refusing, -1)
    assert found[6] == "not this one"
