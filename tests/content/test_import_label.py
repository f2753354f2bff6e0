"""A label file becomes drafts that quote it, once, and a newer one says what is out of date."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEvent
from portal.content import actions, history
from portal.content.import_label import CalculatorModule, ImportReport, import_label
from portal.content.labels import LabelRefused, parse
from portal.content.models import BlockVersion, Label, LabelSection, ModuleVersion
from portal.content.queries import (
    blocks_in_force,
    fragment,
    missing_blocks,
    modules_in_force,
    site_by_id,
    topics,
)
from portal.content.states import Standing
from portal.content.text import plain
from tests.content.conftest import AT, AUTHOR, REVIEWER, Desk

LABELS = Path(__file__).parents[1] / "data" / "labels"
LIPITOR = (LABELS / "openfda-lipitor-orig.xml").read_bytes()
REPACK = (LABELS / "openfda-lipitor-repack.xml").read_bytes()
HALOPERIDOL = (LABELS / "openfda-haloperidol-notitle.xml").read_bytes()
COUGH = (LABELS / "openfda-cough.xml").read_bytes()
NEWER = LIPITOR.replace(b'<versionNumber value="11"/>', b'<versionNumber value="12"/>').replace(
    b"once daily (<linkHtml", b"once a day (<linkHtml"
)
BMI = CalculatorModule("calc-bmi", "bmi", "1.0", "Body mass index", "Weight over height squared.", ("populations",))


def take_in(desk: Desk, xml: bytes, calculators: tuple[CalculatorModule, ...] = ()) -> ImportReport:
    return import_label(desk.db, desk.site, xml, calculators=calculators, by=AUTHOR, at=AT)


def approve_all(desk: Desk, report: ImportReport) -> None:
    for made in report.drafts:
        actions.submit(desk.db, made.version_id, by=AUTHOR, at=AT)
        desk.approve(made.version_id, confirmed=True)


def page(desk: Desk, key: str) -> str:
    shown = {block.key: block.page_hash for block in blocks_in_force(desk.db, desk.site, AT)}
    shown |= {module.key: module.page_hash for module in modules_in_force(desk.db, desk.site, AT)}
    return fragment(desk.db, shown[key]) or ""


def rows(db: Session) -> dict[str, int]:
    tables = (Label, LabelSection, ModuleVersion, BlockVersion, AuditEvent)
    return {model.__tablename__: db.scalar(select(func.count()).select_from(model)) or 0 for model in tables}


def test_the_label_of_atorvastatin_becomes_a_whole_site(desk: Desk) -> None:
    report = take_in(desk, LIPITOR, (BMI,))
    site = site_by_id(desk.db, desk.site)
    assert site is not None
    assert modules_in_force(desk.db, desk.site, AT) == []
    assert missing_blocks(desk.db, site, AT) == site.required_blocks
    approve_all(desk, report)
    assert missing_blocks(desk.db, site, AT) == ()
    assert [(m.key, m.source.get("section_number"), m.topics) for m in modules_in_force(desk.db, desk.site, AT)] == [
        ("indications", "1", ("indication",)),
        ("dosing", "2", ("dosing",)),
        ("contraindications", "4", ("safety",)),
        ("warnings", "5", ("safety",)),
        ("adverse-reactions", "6", ("safety",)),
        ("interactions", "7", ("interactions",)),
        ("specific-populations", "8", ("populations",)),
        ("clinical-studies", "14", ("efficacy",)),
        ("patient-counselling", "17", ("patient-support",)),
        ("calc-bmi", None, ("populations",)),
    ]
    assert report.missing == ()
    assert [topic.key for topic in topics(desk.db, desk.site)][:3] == ["indication", "dosing", "safety"]


def test_every_word_of_a_module_and_block_stands_in_the_label(desk: Desk) -> None:
    label = parse(LIPITOR)
    everything = squeezed(" ".join(f"{s.title} {s.text} {plain(s.highlight)}" for s in label.walk()))
    report = take_in(desk, LIPITOR)
    ours = {
        "importantsafetyinformation",
        "pleaseseefullprescribinginformation.",
        "indication",
        "reportingadversereactions",
    }
    for made in report.drafts:
        text = history.version(desk.db, made.version_id, AT)
        if made.key in ("hcp-notice", "approval", "pi"):
            continue
        for piece in re.split(r"<[^>]+>", text.body):
            words = squeezed(re.sub(r"^[0-9.]+ ", "", plain(piece)))
            assert words in everything or words in ours, (made.key, piece)
        for sentence in text.summary.removesuffix(" …").split(". "):
            assert squeezed(sentence) in everything, sentence


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()


def test_each_draft_says_what_it_quotes(desk: Desk) -> None:
    for made in take_in(desk, LIPITOR).drafts:
        source = history.version(desk.db, made.version_id, AT).row.source
        assert source["set_id"] == "c6e131fe-e7df-4876-83f7-9156fc4e8228"
        assert (source["version"], source["effective_on"]) == (11, "20140113")
    dosing = next(m for m in history.drafts(desk.db, desk.site, AT) if m.key == "dosing")
    assert dosing.source["sections"] == [{"code": "34068-7", "number": "2", "title": "DOSAGE AND ADMINISTRATION"}]
    assert dosing.source["citation"] == "Prescribing Information, section 2"


def test_the_safety_information_quotes_the_highlights_in_their_order(desk: Desk) -> None:
    approve_all(desk, take_in(desk, LIPITOR))
    isi = page(desk, "isi")
    assert re.findall(r"<h3>([^<]+)</h3>", isi) == [
        "Contraindications",
        "Warnings and precautions",
        "Adverse reactions",
        "Drug interactions",
        "Use in specific populations",
    ]
    assert isi.endswith("<p>Please see full Prescribing Information.</p>")
    assert "nasopharyngitis, arthralgia, diarrhea, pain in extremity, and urinary tract infection" in isi
    assert "1-800-FDA-1088" in page(desk, "adverse-events")
    assert "1-800-438-1985" in page(desk, "adverse-events")


def test_the_prescribing_information_is_whole_and_its_links_lead_somewhere(desk: Desk) -> None:
    approve_all(desk, take_in(desk, LIPITOR))
    html = page(desk, "pi")
    text = squeezed(plain(html))
    for section in parse(LIPITOR).walk():
        assert squeezed(section.text) in text
        assert squeezed(section.title) in text
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_parts_that_stand_apart_have_no_links(desk: Desk) -> None:
    report = take_in(desk, LIPITOR)
    for made in report.drafts:
        body = history.version(desk.db, made.version_id, AT).body
        assert made.key == "pi" or "<a " not in body
        assert "style=" not in body
        assert "http" not in body


def test_a_demonstration_says_that_the_label_is_superseded(desk: Desk) -> None:
    actions.change_site(desk.db, desk.site, {"demo": "Demonstration"}, by=AUTHOR, at=AT)
    approve_all(desk, take_in(desk, LIPITOR))
    notice = "This is a superseded label (version 11, effective 13 January 2014) shown for demonstration."
    assert notice in page(desk, "hcp-notice")
    assert notice in page(desk, "pi")
    assert "Lipitor (atorvastatin calcium)" in page(desk, "hcp-notice")


def test_a_boxed_warning_is_required_and_confirmed_by_a_person(desk: Desk) -> None:
    report = take_in(desk, HALOPERIDOL)
    site = site_by_id(desk.db, desk.site)
    assert site is not None
    assert "boxed-warning" in site.required_blocks
    box = next(made for made in report.drafts if made.key == "boxed-warning")
    body = history.version(desk.db, box.version_id, AT).body
    assert "Increased Mortality in Elderly Patients with Dementia-Related Psychosis" in body
    assert "Moderate Symptomatology" not in body
    isi = next(made for made in report.drafts if made.key == "isi")
    assert "<h3>Boxed warning</h3>" in history.version(desk.db, isi.version_id, AT).body
    assert len(report.to_confirm) == 1
    actions.submit(desk.db, box.version_id, by=AUTHOR, at=AT)
    with pytest.raises(actions.ApprovalRefused, match="A person has to confirm"):
        desk.approve(box.version_id)


def test_what_an_old_label_does_not_give_is_said(desk: Desk) -> None:
    report = take_in(desk, HALOPERIDOL)
    assert [sentence.split(":")[0] for sentence in report.missing] == [
        "interactions",
        "specific-populations",
        "clinical-studies",
        "patient-counselling",
        "adverse-events",
    ]
    warnings = next(made for made in report.drafts if made.key == "warnings")
    titles = [section["title"] for section in history.version(desk.db, warnings.version_id, AT).sections]
    assert titles == ["Warnings", "Precautions"]


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    take_in(desk, LIPITOR)
    before = rows(desk.db)
    with pytest.raises(LabelRefused, match="This very file was imported"):
        take_in(desk, LIPITOR)
    assert rows(desk.db) == before


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (REPACK, "another label"),
        (COUGH, "over-the-counter"),
        (LIPITOR.replace(b'value="11"', b'value="10"'), "quotes version 11"),
        (LIPITOR.replace(b"<paragraph>Dose range", b"<paragraph>Dose  range"), "quotes version 11"),
        (b"not xml", "not well-formed"),
    ],
)
def test_a_file_that_does_not_fit_the_site_is_refused_and_leaves_nothing(desk: Desk, xml: bytes, sentence: str) -> None:
    take_in(desk, LIPITOR)
    before = rows(desk.db)
    with pytest.raises(LabelRefused, match=sentence):
        take_in(desk, xml)
    assert rows(desk.db) == before


def test_a_newer_label_drafts_next_versions_and_names_what_is_out_of_date(desk: Desk) -> None:
    approve_all(desk, take_in(desk, LIPITOR, (BMI,)))
    assert history.quoting_older_label(desk.db, desk.site, AT) == []
    report = take_in(desk, NEWER, (BMI,))
    assert len(report.outdated) == 15
    assert report.gone == ()
    assert "calc-bmi" not in [made.key for made in report.drafts]
    assert {row.key for row in history.quoting_older_label(desk.db, desk.site, AT)} == set(report.outdated)
    dosing = next(made for made in report.drafts if made.key == "dosing")
    source = history.version(desk.db, dosing.version_id, AT).row.source
    assert source["replaces"]["label_version"] == 11
    approve_all(desk, report)
    assert history.quoting_older_label(desk.db, desk.site, AT) == []
    standings = [row.standing for row in history.history(desk.db, subject_of(desk, "dosing"), AT)]
    assert standings == [Standing.IN_FORCE, Standing.SUPERSEDED]


def subject_of(desk: Desk, key: str) -> str:
    return next(row.subject_id for row in history.shelf(desk.db, desk.site, AT) if row.key == key)


def test_a_difference_reads_word_by_word(desk: Desk) -> None:
    approve_all(desk, take_in(desk, LIPITOR))
    report = take_in(desk, NEWER)
    dosing = next(made for made in report.drafts if made.key == "dosing")
    changed = [(c.kind.value, c.text) for c in history.difference(desk.db, dosing.version_id, AT) if c.kind != "kept"]
    assert changed[:2] == [("removed", "daily"), ("added", "a day")]


def test_an_edited_quote_says_that_it_was_edited(desk: Desk) -> None:
    made = take_in(desk, LIPITOR).drafts[0]
    actions.edit_draft(desk.db, made.version_id, actions.ModuleContent("T", "<p>Other words</p>"), by=AUTHOR, at=AT)
    source = history.version(desk.db, made.version_id, AT).row.source
    assert source["edited"] is True
    assert source["section_number"] == "1"


def test_what_waits_for_review_is_listed_longest_waiting_first(desk: Desk) -> None:
    drafts = take_in(desk, LIPITOR).drafts
    for minutes, made in enumerate(drafts[:3]):
        actions.submit(desk.db, made.version_id, by=AUTHOR, at=AT - timedelta(minutes=minutes))
    waiting = history.awaiting_review(desk.db, AT)
    assert [row.version_id for row in waiting] == [made.version_id for made in reversed(drafts[:3])]
    assert waiting[0].standing == Standing.IN_REVIEW
    actions.request_changes(desk.db, waiting[0].version_id, note="Which section?", by=REVIEWER, at=AT)
    assert [entry.note for entry in history.reviews(desk.db, waiting[0].version_id)] == ["Which section?"]
