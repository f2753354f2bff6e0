"""What was discussed in a visit: noted by who looks after the doctor, told in timeline and brief."""

from datetime import timedelta

import pytest

from portal import clock
from portal.audit import Actor
from portal.hcp.discussions import KEPT, discussions_of, purge_discussions
from portal.hcp.models import Discussion
from portal.tracking.choices import forget_history
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.rep.conftest import Desk
from tests.reports.world import BY

GOOD = {"site": "brand-us-en", "modules": ["dosing", "renal"]}


def today() -> str:
    return clock.now().date().isoformat()


def note(desk: Desk, **given: object) -> int:
    path = f"/staff/doctors/{desk.own}/discussed"
    return desk.client.submit(path, path, {"day": today(), **GOOD, **given}).status_code


def noted(desk: Desk) -> list[str]:
    with desk.world.database.reading() as db:
        return sorted(row.module_key for row in discussions_of(db, desk.own))


def test_a_visit_is_noted_once_and_told_in_timeline_brief_and_log(desk: Desk) -> None:
    assert note(desk) == 303
    assert note(desk, modules=["dosing"]) == 303
    assert noted(desk) == ["dosing", "renal"]
    assert desk.world.count("discussion.noted") == 1, "what was noted before is not noted again"
    page = desk.client.get(f"/staff/doctors/{desk.own}").text
    assert "Discussed Dosing, Renal" in page
    brief = desk.client.get(f"/staff/doctors/{desk.own}/brief").text
    left_out = brief.split('id="brief-leave"')[1].split('id="brief-calculators"')[0]
    assert left_out.count("Discussed on") == 2
    listed = desk.client.get(f"/staff/doctors/{desk.own}/discussed").text
    assert listed.count("Take back") == 2


@pytest.mark.parametrize(
    "given",
    [
        {"modules": []},
        {"modules": ["unheard-of"]},
        {"site": "other"},
        {"day": "yesterday"},
        {"day": ""},
        {"day": "9999-12-31"},
        {"day": "2020-01-01"},
    ],
    ids=["nothing", "unknown-module", "unknown-site", "no-day", "empty-day", "to-come", "long-ago"],
)
def test_a_wrong_note_is_said_and_leaves_nothing(desk: Desk, given: dict[str, object]) -> None:
    assert note(desk, **given) == 422
    assert noted(desk) == []
    assert desk.world.count("discussion.noted") == 0


def test_only_who_wrote_a_note_takes_it_back_and_a_foreign_doctor_is_missing(desk: Desk) -> None:
    note(desk)
    with desk.world.database.reading() as db:
        row = discussions_of(db, desk.own)[0]
    colleague = HouseClient(desk.client.app)
    other = sign_in_as(desk.client.app, colleague, "rep")
    page = f"/staff/doctors/{desk.own}/discussed"
    assert colleague.get(page).status_code == 404
    with desk.world.database.writing() as db:
        from portal.hcp.actions import assign

        assign(db, desk.own, user_id=other.id, by=BY, at=desk.world.at)
    assert "Take back" not in colleague.get(page).text
    back = f"{page}/{row.id}/back"
    assert colleague.submit(page, back, {}).status_code == 404
    foreign = f"/staff/doctors/{desk.foreign}/discussed"
    assert desk.client.get(foreign).status_code == 404
    assert desk.client.submit(page, back, {}).status_code == 303
    assert len(noted(desk)) == 1
    assert desk.world.count("discussion.taken-back") == 1


def test_notes_go_with_time_and_when_the_doctor_has_the_history_forgotten(desk: Desk) -> None:
    note(desk)
    at = clock.now()
    with desk.world.database.writing() as db:
        old = (at - KEPT - timedelta(days=1)).date().isoformat()
        db.query(Discussion).filter(Discussion.module_key == "renal").update({"day": old})
        assert purge_discussions(db, by=Actor.system("worker"), at=at) == 1
        assert purge_discussions(db, by=Actor.system("worker"), at=at) == 0
    assert noted(desk) == ["dosing"]
    assert desk.world.count("discussions.purged") == 1
    with desk.world.database.writing() as db:
        forget_history(db, desk.own, desk.world.site_id, by=Actor.hcp(desk.own), at=at)
    assert noted(desk) == []
