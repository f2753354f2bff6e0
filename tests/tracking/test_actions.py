"""Beats on a real database: what is kept, what is refused, and what a transaction leaves."""

import random
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.db import Database
from portal.hcp.consents import Purpose, Tracking
from portal.hcp.models import Consent, Hcp
from portal.tracking import queries, retention
from portal.tracking.actions import Answer, Standing, open_view, take_beat, take_beats
from portal.tracking.credential import Mint
from portal.tracking.drops import Drop
from portal.tracking.models import DailyDwell, Interaction, PageView
from portal.tracking.standing import by_consent
from tests.tracking.malformed import malformed_beats
from tests.tracking.timelines import SECTIONS, Timeline, raw, timelines

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DOCTOR, VISIT, SITE = "d" * 32, "e" * 32, "f" * 32
MINT = Mint(["k" * 40])
SERVED = [(key, key.partition("#")[0], "v" * 32, (key.partition("#")[0],), 100) for key in SECTIONS]
BY = Actor.system("tests")


def page(db: Session, *, at: datetime = AT, **changes: Any) -> tuple[str, str]:
    """Open a page and return its id and credential."""
    given: dict[str, Any] = {
        "hcp_id": DOCTOR,
        "visit_id": VISIT,
        "site_id": SITE,
        "page": "home",
        "arrangement_id": None,
        "sections": SERVED,
        "mode": "identified",
        "feeds_profile": True,
        "at": at,
    }
    view = open_view(db, **(given | changes))
    return view.id, MINT.credential(view.id, nonce="0" * 12, at=at)


def take(db: Session, message: dict[str, Any], credential: str, *, at: datetime | None = None, **more: Any) -> Answer:
    moment = at or AT + timedelta(milliseconds=message["t"] + 200)
    sent = raw(message | {"c": credential})
    return take_beat(db, sent, mint=MINT, at=moment, **more)


def reading(*steps: tuple[str, int]) -> Timeline:
    line = Timeline()
    for section, ms in steps:
        line.live("read", ms, section)
    return line


def row_of(db: Session, view_id: str) -> dict[str, Any]:
    """Everything stored of a view but when the server learnt it."""
    view = db.execute(select(PageView.__table__).where(PageView.id == view_id)).mappings().one()
    stored = {key: value for key, value in view.items() if key not in ("last_at", "begun_ms", "id", "refused")}
    return stored | {"sections": queries.sections_of(db, [view_id]).get(view_id, ())}


def test_a_page_without_a_beat_has_an_unknown_dwell(database: Database) -> None:
    with database.writing() as db:
        view_id, _ = page(db)
        [view] = queries.views_of(db, DOCTOR)
        assert (view.id, view.dwell_ms, view.bracket, view.confirmed) == (view_id, None, None, False)


def test_one_beat_changes_view_sections_profile_and_roll_up(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db)
        line = reading(("efficacy", 6000), ("safety#renal", 2500))
        answer = take(db, line.message(), credential)
        assert (answer.status, answer.drop, answer.ran_script, answer.engaged) == (204, None, True, True)
        view = queries.view_of(db, view_id)
        assert view is not None
        assert (view.dwell_ms, view.confirmed, view.delivery) == (8500, True, 1.0)
        assert {s.section: s.attention_ms for s in view.sections} == {"efficacy": 6000, "safety#renal": 2500}
        assert view.bracket is not None
        assert (view.bracket.proven, view.bracket.visible) == (8500, 8500)
        when = AT + timedelta(seconds=9)
        interest = queries.profile(db, DOCTOR, SITE, at=when, half_life_days=30.0)
        assert interest == pytest.approx({"efficacy": 0.1, "safety": 2.5 / 60}, rel=1e-4)
        history = queries.module_history(db, DOCTOR, SITE)
        assert history["efficacy"].dwell_ms == 6000
        assert history["efficacy"].reads == 1
        assert history["efficacy"].days[0].day == date(2026, 11, 22)
        assert [event.type for event in queries.interactions_of(db, DOCTOR)] == ["module.opened", "module.opened"]
        assert queries.visits_of(db, DOCTOR, SITE, before=when).count == 1


def test_interest_fades_by_half_in_a_half_life(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db)
        take(db, reading(("efficacy", 60_000)).message(), credential)
        later = AT + timedelta(days=30)
        _, again = page(db, at=later)
        line = reading(("efficacy", 60_000))
        take(db, line.message(), again, at=later + timedelta(seconds=61))
        at = later + timedelta(seconds=61)
        minutes = queries.profile(db, DOCTOR, SITE, at=at, half_life_days=30.0)["efficacy"]
        assert minutes == pytest.approx(1.5, rel=1e-3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=timelines(8), data=st.data())
def test_doubled_reordered_and_replayed_beats_leave_identical_rows(
    sqlite_database: Database, messages: list[dict[str, Any]], data: st.DataObject
) -> None:
    end = AT + timedelta(milliseconds=messages[-1]["t"] + 500)
    extra = data.draw(st.lists(st.sampled_from(messages), max_size=5))
    order = data.draw(st.permutations(messages + extra))
    stored, sums = [], []
    with sqlite_database.writing() as db:
        for index, sequence in enumerate((messages, order)):
            doctor = f"{index:032x}"
            view_id, credential = page(db, hcp_id=doctor)
            for message in sequence:
                answer = take(db, message, credential, at=end)
                assert answer.drop is None, answer.drop
            for message in reversed(sequence):
                assert take(db, message, credential, at=end + timedelta(hours=3)).status == 204
            stored.append(row_of(db, view_id) | {"hcp_id": ""})
            total = func.sum(DailyDwell.eng_ms)
            sums.append(db.scalar(select(total).where(DailyDwell.hcp_id == doctor)))
        db.rollback()
    assert stored[0] == stored[1]
    assert sums[0] == sums[1]


def test_a_view_never_exceeds_the_servers_clock(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db)
        message = reading(("efficacy", 3_600_000)).message()
        early = take(db, message, credential, at=AT + timedelta(seconds=10))
        assert early.drop is Drop.AHEAD_OF_CLOCK
        replayed = take(db, message, credential, at=AT + timedelta(hours=2))
        assert replayed.drop is Drop.SPENT_NUMBER
        view = queries.view_of(db, view_id)
        assert view is not None
        assert view.dwell_ms is None
        assert queries.drops(db, "2026-11-22") == {"ahead-of-clock": 1, "spent-number": 1}


def test_an_unconfirmed_view_is_in_no_total(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db)
        line = reading(("efficacy", 9000))
        line.touched = False
        take(db, line.message(), credential)
        view = queries.view_of(db, view_id)
        assert view is not None
        assert (view.dwell_ms, view.confirmed) == (9000, False)
        assert queries.dwell_by_module(db, DOCTOR) == []
        assert queries.profile(db, DOCTOR, SITE, at=AT, half_life_days=30) == {}
        line.live("read", 500, "efficacy")
        assert take(db, line.message(), credential).engaged
        assert queries.dwell_by_module(db, DOCTOR)[0].eng_ms == 9500


def test_anonymous_views_are_counted_without_identity(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db, mode="anonymous")
        take(db, reading(("efficacy", 7000)).message(), credential)
        view = queries.view_of(db, view_id)
        assert view is not None
        assert (view.hcp_id, view.visit_id, view.dwell_ms) == (None, None, 7000)
        assert queries.views_of(db, DOCTOR) == []
        assert queries.dwell_by_module(db, "")[0].eng_ms == 7000
        assert queries.module_history(db, "", SITE) == {}


def test_staff_previews_are_in_no_total(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db, staff=True)
        take(db, reading(("efficacy", 7000)).message(), credential)
        assert queries.views_of(db, DOCTOR) == []
        assert queries.dwell_by_module(db, DOCTOR) == []


def test_an_unsure_identity_feeds_reports_and_no_rule(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db, feeds_profile=False)
        take(db, reading(("efficacy", 7000)).message(), credential)
        assert queries.dwell_by_module(db, DOCTOR)[0].eng_ms == 7000
        assert queries.module_history(db, DOCTOR, SITE) == {}
        assert queries.profile(db, DOCTOR, SITE, at=AT, half_life_days=30) == {}


def test_an_old_copy_of_a_page_counts_by_itself(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db)
        take(db, reading(("efficacy", 7000)).message(), credential)
        second = reading(("safety", 5000)).message() | {"o": 1_790_000_000_000}
        for _ in range(2):
            assert take(db, second, credential, at=AT + timedelta(minutes=5)).status == 204
        views = queries.views_of(db, DOCTOR)
        assert [view.dwell_ms for view in views] == [5000, 7000]
        assert views[1].id == view_id
        answers = [
            take(db, second | {"o": 1_790_000_000_001 + i}, credential, at=AT + timedelta(minutes=6)) for i in range(20)
        ]
        assert answers[-1].drop is Drop.TOO_MANY_COPIES


def test_seconds_on_two_devices_count_once_for_the_doctor(database: Database) -> None:
    with database.writing() as db:
        for _ in range(2):
            _, credential = page(db)
            take(db, reading(("efficacy", 8000)).message(), credential)
        assert sum(view.dwell_ms or 0 for view in queries.views_of(db, DOCTOR)) == 16_000
        assert queries.united_dwell_ms(db, DOCTOR) == 8000


def test_calculators_keep_opened_completed_and_band(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db)
        line = reading(("efficacy", 1000))
        line.events = [
            [1, "calculator.opened", "ckd_epi_2021_cr", None, "2"],
            [2, "calculator.completed", "ckd_epi_2021_cr", "g3a", "2"],
            [3, "calculator.completed", "ckd_epi_2021_cr", "g2", "2"],
            [4, "calculator.completed", "has_bled", "3.5", "1"],
        ]
        take(db, line.message(), credential)
        [use] = queries.calculators_of(db, DOCTOR)
        assert (use.calculator, use.version, use.band, use.completed_at is not None) == (
            "ckd_epi_2021_cr",
            "2",
            "g2",
            True,
        )
        history = queries.calculator_history(db, DOCTOR, SITE)
        assert (history["ckd_epi_2021_cr"].opened, history["ckd_epi_2021_cr"].last_band) == (1, "g2")
        assert queries.drops(db) == {"undeclared-value": 1}
        assert "calculator.opened" not in queries.unused_events(db)
        assert "page.printed" in queries.unused_events(db)


def test_answers_and_downloads_reach_the_history(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db)
        line = reading(("efficacy", 1000))
        line.events = [
            [1, "question.answered", "efficacy", "weekly", None],
            [2, "module.useful", "safety", "no", None],
            [3, "module.downloaded", "dosing", None, None],
        ]
        take(db, line.message(), credential)
        history = queries.module_history(db, DOCTOR, SITE)
        assert history["efficacy"].answers == ("weekly",)
        assert history["safety"].useful is False
        assert history["dosing"].downloads == 1


def test_a_revoked_reader_is_told_to_stop(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db)
        gone = Standing(gone=frozenset({(VISIT, DOCTOR, SITE)}))
        answer = take(db, reading(("efficacy", 7000)).message(), credential, judge=lambda _db, _readers: gone)
        assert (answer.status, answer.drop) == (410, Drop.REVOKED)
        assert queries.dwell_by_module(db, DOCTOR) == []


def test_an_erased_view_is_told_to_stop(database: Database) -> None:
    with database.writing() as db:
        credential = MINT.credential("9" * 32, nonce="0" * 12, at=AT)
        answer = take(db, reading(("efficacy", 7000)).message(), credential)
        assert (answer.status, answer.drop) == (410, Drop.UNKNOWN_VIEW)


@pytest.mark.parametrize(
    ("tracking", "profiling", "gone", "unfed"),
    [
        (Tracking.IDENTIFIED, "given", False, False),
        (Tracking.IDENTIFIED, "refused", False, True),
        (Tracking.ANONYMOUS, "given", True, False),
        (Tracking.NONE, "refused", True, True),
    ],
)
def test_consent_taken_back_holds_from_the_next_beat(
    sqlite_database: Database, tracking: str, profiling: str, gone: bool, unfed: bool
) -> None:
    reader = (VISIT, DOCTOR, SITE)
    with sqlite_database.writing() as db:
        db.add(Hcp(id=DOCTOR, ref="H-1", created_at=AT))
        db.flush()  # the decisions name the row
        for index, (purpose, first, then) in enumerate(
            ((Purpose.TRACKING, "identified", tracking), (Purpose.PROFILING, "given", profiling))
        ):
            for later, decision in enumerate((first, then)):
                db.add(
                    Consent(
                        id=f"{index}{later}" + "0" * 30,
                        hcp_id=DOCTOR,
                        site_id=SITE,
                        purpose=purpose,
                        decision=str(decision),
                        source="tests",
                        wording="",
                        at=AT + timedelta(minutes=later),
                    )
                )
        db.flush()  # asked for below
        standing = by_consent(db, [reader], at=AT + timedelta(hours=1))
        assert (reader in standing.gone, reader in standing.unfed) == (gone, unfed)


def test_events_go_when_their_time_is_over(database: Database) -> None:
    with database.writing() as db:
        _, credential = page(db)
        line = reading(("efficacy", 1000))
        line.events = [[1, "search.done", "modules", "4", None], [2, "module.saved", "efficacy", None, None]]
        take(db, line.message(), credential)
        assert retention.purge_expired(db, by=BY, at=AT + timedelta(days=300)) == 0
        assert retention.purge_expired(db, by=BY, at=AT + timedelta(days=400)) == 1
        assert retention.purge_expired(db, by=BY, at=AT + timedelta(days=800)) == 2
        assert db.scalar(select(func.count()).select_from(Interaction)) == 0


def test_malformed_beats_leave_no_row_outside_the_limits(database: Database) -> None:
    refuse_malformed(database, 1500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_thousand_malformed_beats(sqlite_database: Database, seed: int) -> None:
    refuse_malformed(sqlite_database, 25_000, seed)


def refuse_malformed(database: Database, count: int, seed: int = 1) -> None:
    """Send `count` bad beats, then check every stored counter against the clock and against the others."""
    dice = random.Random(seed)
    with database.writing() as db:
        view_id, credential = page(db)
    at = AT + timedelta(seconds=30)
    honest = reading(("efficacy", 4000)).message() | {"c": credential}
    statuses: set[int] = set()
    beats = list(malformed_beats(dice, honest, count))
    for start in range(0, count, 50):
        with database.writing() as db:
            answers = take_beats(db, beats[start : start + 50], mint=MINT, at=at)
        statuses |= {answer.status for answer in answers}
    assert statuses <= {204, 400, 410, 413, 429}
    with database.reading() as db:
        for view in queries.views_of(db, DOCTOR):
            if view.dwell_ms is None:
                continue
            assert view.bracket is not None
            assert 0 <= view.dwell_ms <= view.bracket.visible + 250 <= 33_250
            assert sum(section.attention_ms for section in view.sections) <= view.dwell_ms + 250
            assert {section.section for section in view.sections} <= set(SECTIONS)
        total = db.scalar(select(func.sum(DailyDwell.eng_ms)).where(DailyDwell.hcp_id == DOCTOR)) or 0
        assert total <= 33_250 * (1 + (db.scalar(select(func.count()).where(PageView.copy_of == view_id)) or 0))
        assert sum(queries.drops(db).values()) > count // 2


def test_beats_of_one_doctor_at_once_add_up(database: Database) -> None:
    lines = []
    with database.writing() as db:
        for _ in range(4):
            lines.append(page(db, sections=[(key, key[:6], "v" * 32, ("all",), 100) for key in SECTIONS])[1])
    faults: list[BaseException] = []

    def send(credential: str, section: str) -> None:
        try:
            line = Timeline()
            for _ in range(10):
                line.live("read", 500, section)
                with database.writing() as db:
                    take(db, line.message(), credential, at=AT + timedelta(seconds=30))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(lines, SECTIONS, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with database.reading() as db:
        assert sum(module.eng_ms for module in queries.dwell_by_module(db, DOCTOR)) == 20_000
        minutes = queries.profile(db, DOCTOR, SITE, at=AT + timedelta(seconds=30), half_life_days=30)["all"]
        assert minutes == pytest.approx(20 / 60, rel=1e-6)
