"""A second device becomes the doctor's only by a code from the mailbox; the answer is the same whoever asks."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.access.actions import mark_staff_device
from portal.access.models import StepUpCode, Visit
from portal.audit.models import AuditEvent
from portal.hcp.queries import hcp_by_ref
from portal.mailing.models import Sending
from tests.access.test_door import new_link, press
from tests.client import HouseClient

ASK, CODE = "/me/step-up", "/me/step-up/code"


def second_device(app: Flask, ref: str = "H-1001") -> HouseClient:
    """The second device that opened a doctor's link."""
    _, path = new_link(app, ref)
    press(HouseClient(app), path)
    second = HouseClient(app)
    press(second, path)
    return second


def address_of(app: Flask, ref: str = "H-1001") -> str:
    with app.extensions["portal.database"].reading() as db:
        card = hcp_by_ref(db, ref)
        assert card is not None
        assert card.email is not None
        return card.email


def mailed(app: Flask) -> list[str]:
    """The codes in the outbox, oldest first."""
    with app.extensions["portal.database"].reading() as db:
        texts = db.scalars(select(Sending.text).where(Sending.kind == "notice").order_by(Sending.composed_at)).all()
    return [re.findall(r"^(\d{6})$", text or "", re.MULTILINE)[0] for text in texts]


def confidences(app: Flask) -> list[str]:
    with app.extensions["portal.database"].reading() as db:
        return list(db.scalars(select(Visit.confidence).order_by(Visit.opened_at)))


def ask(client: HouseClient, address: str) -> None:
    answer = client.post(ASK, data={"address": address})
    assert answer.headers["Location"] == CODE
    answer.close()  # the mail is written after the answer


def test_a_code_from_the_mailbox_makes_the_device_the_doctors(demo_app: Flask) -> None:
    second = second_device(demo_app)
    home = second.get("/m/").text
    assert "This is my other device" in home
    assert second.get(ASK).status_code == 200
    ask(second, " " + address_of(demo_app).upper())
    code = mailed(demo_app)[0]
    assert second.post(CODE, data={"code": f"{code[:3]} {code[3:]}"}).headers["Location"] == "/m/"
    assert confidences(demo_app) == ["device", "verified"]
    assert "This is my other device" not in second.get("/m/").text
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.scalar(select(Visit.grade).where(Visit.confidence == "verified")) == 4
        names = set(db.scalars(select(AuditEvent.name)))
        assert {"code.asked", "visit.verified"} <= names


def test_a_device_that_stepped_up_is_known_from_then_on(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    press(HouseClient(demo_app), path)
    second = HouseClient(demo_app)
    press(second, path)
    ask(second, address_of(demo_app))
    second.post(CODE, data={"code": mailed(demo_app)[0]})
    press(second, path)
    assert confidences(demo_app) == ["device", "verified", "device"]


def test_the_answer_is_the_same_whoever_asks(demo_app: Flask) -> None:
    right, wrong = second_device(demo_app), second_device(demo_app)
    ask(right, address_of(demo_app))
    ask(wrong, "somebody@else.example")
    assert len(mailed(demo_app)) == 1
    assert right.get(CODE).text == wrong.get(CODE).text
    for _ in range(5):
        answers = [client.post(CODE, data={"code": "x00000"}) for client in (right, wrong)]
        assert {answer.status_code for answer in answers} == {422}
        assert answers[0].text == answers[1].text


def test_five_tries_then_locked(demo_app: Flask) -> None:
    second = second_device(demo_app)
    ask(second, address_of(demo_app))
    code = mailed(demo_app)[0]
    other = f"{(int(code) + 1) % 10**6:06d}"
    said = [second.post(CODE, data={"code": other}).text for _ in range(5)]
    assert "4 tries are left" in said[0]
    assert "1 try is left" in said[3]
    assert "last try" in said[4]
    assert second.post(CODE, data={"code": code}).status_code == 422
    assert confidences(demo_app)[-1] == "unknown"
    ask(second, address_of(demo_app))
    assert second.post(CODE, data={"code": mailed(demo_app)[1]}).status_code == 303


def test_a_new_code_ends_the_one_before(demo_app: Flask) -> None:
    second = second_device(demo_app)
    ask(second, address_of(demo_app))
    ask(second, address_of(demo_app))
    first, newest = mailed(demo_app)
    if first != newest:
        assert second.post(CODE, data={"code": first}).status_code == 422
    assert second.post(CODE, data={"code": newest}).status_code == 303


def test_a_code_works_on_the_device_that_asked_only(demo_app: Flask) -> None:
    second, third = second_device(demo_app), second_device(demo_app)
    ask(second, address_of(demo_app))
    assert third.post(CODE, data={"code": mailed(demo_app)[0]}).status_code == 422


@pytest.mark.parametrize(
    "asked_at",
    [
        datetime(2028, 2, 29, 23, 55, tzinfo=UTC),  # over the leap day
        datetime(2027, 3, 14, 6, 55, tzinfo=UTC),  # New York sets its clocks forward
        datetime(2027, 10, 31, 0, 55, tzinfo=UTC),  # Berlin sets its clocks back
        datetime(2026, 12, 31, 23, 55, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize(("seconds", "status"), [(-1, 422), (599, 303), (600, 422), (601, 422)])
def test_the_code_ends_to_the_second(sqlite_demo_app: Flask, asked_at: datetime, seconds: int, status: int) -> None:
    with time_machine.travel(asked_at, tick=False) as now:
        second = second_device(sqlite_demo_app)
        ask(second, address_of(sqlite_demo_app))
        now.move_to(asked_at + timedelta(seconds=seconds))  # -1: the clock was set back
        assert second.post(CODE, data={"code": mailed(sqlite_demo_app)[0]}).status_code == status


def test_asking_is_limited_and_the_limit_tells_nothing(demo_app: Flask) -> None:
    second = second_device(demo_app)
    answers = [second.post(ASK, data={"address": "somebody@else.example"}).status_code for _ in range(7)]
    assert answers == [303] * 5 + [429] * 2
    assert second.post(ASK, data={"address": address_of(demo_app)}).status_code == 429
    assert mailed(demo_app) == []


def test_a_staff_device_never_steps_up(demo_app: Flask) -> None:
    second = second_device(demo_app)
    device = second.raw.get_cookie("device", domain="127.0.0.1")
    assert device is not None
    with demo_app.extensions["portal.database"].writing() as db:
        mark_staff_device(db, device.value, at=clock.now())
    ask(second, address_of(demo_app))
    assert mailed(demo_app) == []
    assert confidences(demo_app)[-1] == "unknown"


def at_once(deeds: list[Callable[[], int]]) -> list[int]:
    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(deed) for deed in deeds]]


def test_a_code_replayed_at_once_verifies_once(demo_app: Flask) -> None:
    for done in range(1, 6):
        second = second_device(demo_app)
        ask(second, address_of(demo_app))
        code, cookie = mailed(demo_app)[-1], second.raw.get_cookie("visit", domain="127.0.0.1")
        assert cookie is not None

        def enter(code: str = code, secret: str = cookie.value) -> int:
            client = HouseClient(demo_app)
            client.raw.set_cookie("visit", secret, domain="127.0.0.1")
            return client.post(CODE, data={"code": code}).status_code

        assert 303 in at_once([enter] * 4)
        with demo_app.extensions["portal.database"].reading() as db:
            used = select(func.count()).select_from(StepUpCode).where(StepUpCode.used_at.is_not(None))
            proved = select(func.count()).select_from(AuditEvent).where(AuditEvent.name == "visit.verified")
            assert db.scalar(used) == db.scalar(proved) == done


def test_two_devices_opening_at_once_leave_one_doctor(demo_app: Flask) -> None:
    for _ in range(10):
        _, path = new_link(demo_app)
        before = len(confidences(demo_app))
        clients = [HouseClient(demo_app) for _ in range(2)]
        answers = at_once([partial(_pressed, client, path) for client in clients])
        assert answers == [303, 303]
        assert sorted(confidences(demo_app)[before:]) == ["device", "unknown"]


def _pressed(client: HouseClient, path: str) -> int:
    return press(client, path).status_code
