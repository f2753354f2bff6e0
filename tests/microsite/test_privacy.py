"""L12: without consent nothing of a person is used; what is withdrawn or forgotten is so at the next request."""

import json

from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit.models import AuditEvent
from portal.hcp.queries import consent_in_force
from portal.microsite.models import StoredArrangement
from portal.microsite.replay import page_bytes
from portal.tracking.models import (
    CalculatorUse,
    DailyDwell,
    ForgottenHistory,
    Interaction,
    Interest,
    NotRelevant,
    PageView,
    SavedModule,
    SectionView,
)
from tests.microsite.doctors import Doctor, bare, held

PAGES = ("/m/", "/m/warnings", "/m/calculators", "/m/search?q=renal", "/m/info/pi", "/m/why")


def test_without_consent_to_profiling_the_page_is_the_same_for_any_history(demo_app: Flask) -> None:
    reader, fresh = Doctor(demo_app), Doctor(demo_app)
    reader.read("warnings", 9000)
    reader.choose("dismiss", "clinical-studies")
    reader.choose("save", "dosing")
    reader.client.post("/m/interests", data={"topic": ["lipids"]})
    assert bare(reader.get()) != bare(Doctor(demo_app, "H-2001").get())
    reader.decide(profiling="refused")
    before = {page: bare(reader.get(page)) for page in PAGES}
    reader.read("adverse-reactions", 9000)
    other = Doctor(demo_app, "H-2001")
    other.decide(profiling="refused")
    for page in PAGES:
        assert bare(reader.get(page)) == before[page], page
        assert bare(other.get(page)) == before[page], page  # another doctor, without any history
        assert bare(fresh.get(page)) == before[page], page  # another visit of the same doctor


def test_withdrawal_holds_on_the_next_request_and_for_links_already_sent(demo_app: Flask) -> None:
    first, second = Doctor(demo_app), Doctor(demo_app)
    first.read("warnings", 9000)
    standard = Doctor(demo_app, "H-1004").order()  # refused profiling from the first day
    assert first.order() != standard
    answer = second.client.post("/m/privacy", data={"tracking": "identified", "profiling": "refused"})
    assert "Clear-Site-Data" not in answer.headers
    assert answer.status_code == 303
    assert first.order() == standard
    ended = second.client.post("/m/privacy", data={"tracking": "none", "profiling": "refused"})
    assert ended.headers["Clear-Site-Data"] == '"storage"'
    assert "data-view" not in first.get()
    assert "dwell.js" not in first.get()
    count = len(first.rows(select(PageView.id)))
    first.get("/m/warnings")
    assert len(first.rows(select(PageView.id))) == count


def test_anonymous_counting_leads_to_nobody(demo_app: Flask) -> None:
    doctor = Doctor(demo_app, "H-1005")
    page = doctor.get()
    doctor.read("warnings", 9000)
    doctor.choose("yes", "warnings", on="/m/warnings")
    views = doctor.rows(select(PageView.id, PageView.opened_at))
    assert len(views) == 3
    assert doctor.rows(select(PageView.hcp_id, PageView.visit_id, PageView.arrangement_id).distinct()) == [(None,) * 3]
    told = [row[1] for row in views]
    for moments in (select(PageView.last_at), select(Interaction.at), select(DailyDwell.last_at)):
        told += [moment for (moment,) in doctor.rows(moments) if moment is not None]
    assert len(told) > len(views) + 3
    assert all(moment.minute == moment.second == moment.microsecond == 0 for moment in told)
    assert {wall or 0 for (wall,) in doctor.rows(select(PageView.wall_ms))} == {0}
    assert doctor.rows(select(DailyDwell.hcp_id).distinct()) == [("",)]
    assert doctor.rows(select(SectionView.hcp_id).distinct()) == [(None,)]
    assert doctor.rows(select(Interaction.hcp_id, Interaction.value).where(Interaction.type == "module.useful")) == [
        (None, "yes")
    ]
    # No row anywhere else names a view: neither what was served nor the audit leads to what was counted.
    counted = ("page_views", "section_views", "interactions")
    for row in views:
        assert held(doctor, row[0], but=counted) == set()
    tables = held(doctor, doctor.id)
    assert not tables & {"page_views", "section_views", "interactions", "daily_dwell", "interest", "calculator_uses"}
    # What was served can be shown again, without the credential.
    with doctor.database.reading() as db:
        oldest = db.scalars(select(StoredArrangement.id).order_by(StoredArrangement.at)).first()
        assert oldest is not None
        replayed = page_bytes(db, oldest)
    assert replayed is not None
    assert replayed.matches
    assert replayed.html.decode() == bare(page)


def test_forgetting_leaves_the_standard_order_and_nothing_else(demo_app: Flask) -> None:
    doctor, other = Doctor(demo_app), Doctor(demo_app, "H-2001")
    untouched = bare(doctor.get())
    doctor.read("warnings", 9000)
    other.read("warnings", 9000)
    doctor.choose("yes", "warnings", on="/m/warnings")
    doctor.choose("dismiss", "clinical-studies")
    doctor.choose("save", "dosing")
    doctor.client.post("/m/interests", data={"topic": ["lipids"]})
    assert "8 s" in doctor.get("/m/privacy") or "9 s" in doctor.get("/m/privacy")
    others_page = bare(other.get())
    before = sum(row[0] for row in doctor.rows(select(DailyDwell.eng_ms)))

    answer = doctor.client.post("/m/forget")
    assert answer.status_code == 303
    assert bare(doctor.get()) == untouched
    assert "is forgotten" in doctor.get("/m/privacy?said=forgotten")
    assert bare(other.get()) == others_page
    for model in (Interest, NotRelevant, SavedModule, SectionView, CalculatorUse, Interaction, DailyDwell):
        assert doctor.rows(select(model).where(model.hcp_id == doctor.id)) == [], model
    named = doctor.rows(select(PageView.opened_at).where(PageView.hcp_id == doctor.id))
    assert all(row[0] > doctor.rows(select(ForgottenHistory.at))[0][0] for row in named)
    assert sum(row[0] for row in doctor.rows(select(DailyDwell.eng_ms))) == before  # totals stay
    events = doctor.rows(select(AuditEvent.body).where(AuditEvent.name == "history.forgotten"))
    assert json.loads(events[0][0])["about"]["hcp"] == doctor.id
    with doctor.database.reading() as db:
        consent = consent_in_force(db, doctor.id, doctor.site_id, clock.now())
    assert consent.profiling
    assert consent.tracking == "identified"


def test_forgetting_twice_and_reading_on_is_fine(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    assert doctor.client.post("/m/forget").status_code == 303
    assert doctor.client.post("/m/forget").status_code == 303
    standard = doctor.order()
    doctor.read("adverse-reactions", 9000)
    assert doctor.order() != standard


def test_a_view_open_while_its_history_is_forgotten_counts_without_a_name(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    html = doctor.get("/m/warnings")
    doctor.client.post("/m/forget")
    view = html.split('name="view" value="')[1].split('"')[0]
    doctor.client.post("/m/choices", data={"view": view, "choice": "yes:warnings", "back": "warnings"})
    assert doctor.rows(select(Interaction.hcp_id)) == [(None,)]
    assert doctor.rows(select(DailyDwell.hcp_id)) == [("",)]


def test_what_is_known_is_shown_in_words(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    assert "Nothing: no visit of yours is linked to you" in doctor.get("/m/privacy")
    doctor.read("warnings", 9000)
    page = doctor.get("/m/privacy")
    assert "You were here once" in page
    assert "Warnings and precautions" in page
    assert "Safety" in page
