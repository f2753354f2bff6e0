"""Two at once at the front door: exactly one outcome, always, on both databases.

The long form repeats every race many times: `./run test tests/access/test_races.py -m long`.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import delete, select

from portal import clock
from portal.access.actions import revoke_link
from portal.access.models import KnownDevice, Link, StepUpCode, Visit
from portal.access.states import LinkRefused
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.db.rates import RateCount
from portal.hcp.actions import restore_access, revoke_access
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of, press
from tests.access.test_stepping_up import ASK, CODE, address_of, mailed
from tests.client import HouseClient

BY = Actor.system("tests")
TIMES = [3, pytest.param(150, marks=pytest.mark.long)]


def at_once(deeds: Sequence[Callable[[], int]]) -> list[int]:
    """Do deeds in threads of their own, all begun at the same moment; what each gave."""
    gate = Barrier(len(deeds))

    def act(deed: Callable[[], int]) -> int:
        gate.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(act, deeds))


def ready(app: Flask, path: str) -> Callable[[], int]:
    """A browser with the door page open, about to press the button."""
    client = HouseClient(app)
    nonce = nonce_of(client.get(path, headers={"User-Agent": CHROME}))
    return lambda: client.post(path, data={"nonce": nonce}, headers=GESTURE).status_code


def deeds_of(app: Flask, link_id: str) -> list[tuple[str, str]]:
    """Name and confidence of the events that name a link, in the order of their moments."""
    with app.extensions["portal.database"].reading() as db:
        found = [(row.name, said_in(row.body)) for row in db.scalars(select(AuditEvent).order_by(AuditEvent.at))]
    return [(name, str(said.get("confidence", ""))) for name, said in found if said.get("link") == link_id]


def said_in(body: str) -> dict[str, object]:
    """What an event says beside who and when."""
    found = json.loads(body)["about"]
    assert isinstance(found, dict)
    return found


def second_device(app: Flask) -> tuple[str, str]:
    """The id of a visit on a second device and the secret of its cookie, the limits of codes forgotten."""
    with app.extensions["portal.database"].writing() as db:
        db.execute(delete(RateCount))
    link_id, path = new_link(app)
    press(HouseClient(app), path)
    client = HouseClient(app)
    press(client, path)
    cookie = client.raw.get_cookie("visit", domain="127.0.0.1")
    assert cookie is not None
    with app.extensions["portal.database"].reading() as db:
        query = select(Visit.id).where(Visit.link_id == link_id, Visit.confidence == "unknown")
        return db.scalars(query).one(), cookie.value


def poster(app: Flask, secret: str, path: str, **data: str) -> Callable[[], int]:
    """A browser with the cookie of a visit, about to post a form."""
    client = HouseClient(app)
    client.raw.set_cookie("visit", secret, domain="127.0.0.1")

    def post() -> int:
        answer = client.post(path, data=data)
        answer.close()  # what is mailed is mailed after the answer
        return answer.status_code

    return post


@pytest.mark.parametrize("times", TIMES)
def test_the_first_opening_by_two_devices_has_one_doctor(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        link_id, path = new_link(demo_app)
        assert at_once([ready(demo_app, path), ready(demo_app, path)]) == [303, 303]
        with demo_app.extensions["portal.database"].reading() as db:
            visits = db.execute(select(Visit.confidence, Visit.device_id).where(Visit.link_id == link_id)).all()
            assert sorted(confidence for confidence, _ in visits) == ["device", "unknown"]
            assert dict(visits)["device"] == db.get_one(Link, link_id).device_id
        said = Counter(confidence for name, confidence in deeds_of(demo_app, link_id) if name == "link.opened")
        assert said == {"device": 1, "unknown": 1}  # the record never says that both were the doctor


@pytest.mark.parametrize("times", TIMES)
def test_a_nonce_posted_many_times_at_once_opens_one_visit(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        link_id, path = new_link(demo_app)
        nonce = nonce_of(HouseClient(demo_app).get(path, headers={"User-Agent": CHROME}))

        def post(path: str = path, nonce: str = nonce) -> int:
            return HouseClient(demo_app).post(path, data={"nonce": nonce}, headers=GESTURE).status_code

        assert set(at_once([post] * 6)) == {303}
        with demo_app.extensions["portal.database"].reading() as db:
            assert len(db.scalars(select(Visit.id).where(Visit.link_id == link_id)).all()) == 1


@pytest.mark.parametrize("times", TIMES)
def test_revoking_against_opening(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        link_id, path = new_link(demo_app)

        def revoke(link_id: str = link_id) -> int:
            with demo_app.extensions["portal.database"].writing() as db:
                return int(revoke_link(db, link_id, reason="wrong doctor", by=BY, at=clock.now()))

        opened, revoked = at_once([ready(demo_app, path), revoke])
        assert revoked == 1
        with demo_app.extensions["portal.database"].reading() as db:
            ends = db.scalars(select(Visit.ended_at).where(Visit.link_id == link_id)).all()
        assert (opened, len(ends)) in ((303, 1), (404, 0))
        assert None not in ends  # what was opened before has ended with the link


@pytest.mark.parametrize("times", TIMES)
def test_revoking_a_doctors_access_against_opening(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        link_id, path = new_link(demo_app, "H-1002")
        with demo_app.extensions["portal.database"].reading() as db:
            hcp_id = db.get_one(Link, link_id).hcp_id
        client = HouseClient(demo_app)
        nonce = nonce_of(client.get(path, headers={"User-Agent": CHROME}))

        def press_now(client: HouseClient = client, path: str = path, nonce: str = nonce) -> int:
            return client.post(path, data={"nonce": nonce}, headers=GESTURE).status_code

        def revoke(hcp_id: str = hcp_id) -> int:
            with demo_app.extensions["portal.database"].writing() as db:
                revoke_access(db, hcp_id, reason="left", by=BY, at=clock.now())
            return 1

        opened, _ = at_once([press_now, revoke])
        assert opened in (303, 404)
        assert client.get("/m/").status_code == 303  # nothing is open from the next request on
        with demo_app.extensions["portal.database"].writing() as db:
            restore_access(db, hcp_id, reason="back", by=BY, at=clock.now())


@pytest.mark.parametrize("times", TIMES)
def test_a_code_replayed_by_twenty_verifies_once(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        visit_id, secret = second_device(demo_app)
        poster(demo_app, secret, ASK, address=address_of(demo_app))()
        answers = at_once([poster(demo_app, secret, CODE, code=mailed(demo_app)[-1])] * 20)
        assert set(answers) <= {303, 422}
        with demo_app.extensions["portal.database"].reading() as db:
            code = db.scalars(select(StepUpCode).where(StepUpCode.visit_id == visit_id)).one()
            visit = db.get_one(Visit, visit_id)
            assert (code.tries, code.used_at is not None, visit.confidence) == (1, True, "verified")
            assert len(db.scalars(select(KnownDevice).where(KnownDevice.link_id == visit.link_id)).all()) == 1
            proved = select(AuditEvent.body).where(AuditEvent.name == "visit.verified")
            assert [said_in(body)["visit"] for body in db.scalars(proved)].count(visit_id) == 1


@pytest.mark.parametrize("times", TIMES)
def test_twenty_guesses_at_once_are_five_tries(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        visit_id, secret = second_device(demo_app)
        poster(demo_app, secret, ASK, address=address_of(demo_app))()
        right = mailed(demo_app)[-1]
        wrong = [f"{(int(right) + step) % 10**6:06d}" for step in range(1, 21)]
        assert set(at_once([poster(demo_app, secret, CODE, code=guess) for guess in wrong])) == {422}
        assert poster(demo_app, secret, CODE, code=right)() == 422  # locked, even for the right one
        with demo_app.extensions["portal.database"].reading() as db:
            code = db.scalars(select(StepUpCode).where(StepUpCode.visit_id == visit_id)).one()
            assert (code.tries, code.used_at) == (5, None)
            refused = select(AuditEvent.body).where(AuditEvent.name == "code.refused")
            assert [said_in(body)["visit"] for body in db.scalars(refused)].count(visit_id) == 5


@pytest.mark.parametrize("times", TIMES)
def test_twenty_asking_at_once_get_five_codes(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        before = len(mailed(demo_app))
        visit_id, secret = second_device(demo_app)
        answers = Counter(at_once([poster(demo_app, secret, ASK, address=address_of(demo_app))] * 20))
        assert answers == {303: 5, 429: 15}
        assert len(mailed(demo_app)) - before == 5
        with demo_app.extensions["portal.database"].reading() as db:
            codes = db.scalars(select(StepUpCode).where(StepUpCode.visit_id == visit_id)).all()
            assert len([code for code in codes if code.expires_at > clock.now()]) == 1  # the newest ends the others


@pytest.mark.parametrize("times", TIMES)
def test_revoking_at_once_revokes_once(demo_app: Flask, times: int) -> None:
    for _ in range(times):
        link_id, _path = new_link(demo_app)

        def revoke(link_id: str = link_id) -> int:
            try:
                with demo_app.extensions["portal.database"].writing() as db:
                    return int(revoke_link(db, link_id, reason="wrong doctor", by=BY, at=clock.now()))
            except LinkRefused:
                return -1

        assert sorted(at_once([revoke] * 4)) == [0, 0, 0, 1]
