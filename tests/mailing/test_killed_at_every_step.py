"""Whatever is killed when: no doctor gets a mail twice, and no mail is lost silently."""

import signal
from datetime import timedelta

from portal import clock
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.content.sites import change_site
from portal.mailing import sendings
from portal.mailing.states import SendingState
from tests.mailing import killed_worker
from tests.mailing.conftest import SITE, Office

BEFORE = ("claim", "claimed", "connect", "mail", "rcpt", "data", "message", "question", "commit")
BETWEEN = ("committed", "dot", "reply", "replied", "settle")
AFTER = ("settled",)


def allow_many(office: Office) -> None:
    with office.database.writing() as db:
        site = site_by_key(db, SITE)
        assert site is not None
        mail = {**site.settings["mail"], "cap": 1000}
        change_site(db, site.id, {"mail": mail}, by=Actor.system("tests"), at=clock.now())


def test_killed_at_every_step_of_sending(office: Office) -> None:
    allow_many(office)
    seen: dict[str, tuple[SendingState, int]] = {}
    at = clock.now()
    for step in (*BEFORE, *BETWEEN, *AFTER):
        [sending_id] = office.sent(at=at)
        at += timedelta(seconds=31)
        words = [office.database.url.render_as_string(hide_password=False), office.server.url, step, at.isoformat()]
        assert killed_worker.run(*words) == -signal.SIGKILL, step
        office.work(at=at + timedelta(seconds=10))  # the claim still holds: nobody else may touch it
        assert office.server.copies_of(sending_id) <= 1
        for minutes in (6, 12, 60, 60 * 24):
            office.work(at=at + timedelta(minutes=minutes))
        at += timedelta(hours=25)
        seen[step] = (office.look(sending_id).state, office.server.copies_of(sending_id))
    for step in BEFORE:
        assert seen[step] == (SendingState.ACCEPTED, 1), step
    for step in BETWEEN:
        assert seen[step][0] is SendingState.UNCERTAIN, step
        assert seen[step][1] == (0 if step in ("committed", "dot") else 1), step
    for step in AFTER:
        assert seen[step] == (SendingState.ACCEPTED, 1), step


def test_an_uncertain_mail_is_decided_by_a_person_and_keeps_its_message_id(office: Office) -> None:
    [sending_id] = office.sent()
    office.server.hang_up = "before"
    assert office.work() == {SendingState.UNCERTAIN: 1}
    office.server.hang_up = ""
    assert office.work(after=timedelta(days=2)) == {}  # never resent by itself
    with office.database.writing() as db:
        assert sendings.decide(db, sending_id, again=True, by=Actor.system("tests"), at=clock.now())
    assert office.work() == {SendingState.ACCEPTED: 1}
    assert office.server.copies_of(sending_id) == 1
    with office.database.writing() as db:
        assert not sendings.decide(db, sending_id, again=True, by=Actor.system("tests"), at=clock.now())


def test_two_workers_at_once_send_every_mail_once(office: Office) -> None:
    import threading

    allow_many(office)
    office.server.seconds = 0.02
    at = clock.now()
    made = [one for _ in range(12) for one in office.sent("H-1001", "H-1002", at=at)]
    faults: list[BaseException] = []

    def work() -> None:
        try:
            office.work(at=at + timedelta(minutes=1))
        except BaseException as fault:
            faults.append(fault)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert faults == []
    assert [office.server.copies_of(one) for one in made] == [1] * len(made)
    assert {office.look(one).state for one in made} == {SendingState.ACCEPTED}
