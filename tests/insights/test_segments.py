"""Segments: saved, renamed, deleted while nothing uses them; each deed on record."""

from typing import Any

import pytest

from portal.db import Database
from portal.personalize.conditions import Condition
from portal.rulebook import segments
from portal.rulebook.segments import SegmentRefused, holds
from tests.insights.population import condition
from tests.rulebook.rooms import ANNA, AT, BERT, a_rule, a_site, deeds, in_review, live

CARDIOLOGISTS = {"all": [{"fact": "specialty", "op": "is", "value": "cardiology"}]}
BUSY = {"fact": "visits", "op": ">", "value": 3.0}
DOCTORS = {"fact": "audience", "op": "is", "value": "doctor"}


def save(database: Database, site_id: str, name: str, raw: dict[str, Any]) -> str:
    with database.writing() as db:
        return segments.save_segment(db, site_id, name=name, condition=condition(raw), by=ANNA, at=AT)


def test_a_segment_is_saved_renamed_and_deleted_on_record(database: Database) -> None:
    site_id = a_site(database)
    segment_id = save(database, site_id, "  Busy   doctors ", {"all": [BUSY, DOCTORS]})
    with database.writing() as db:
        segments.rename_segment(db, segment_id, name="Frequent visitors", by=BERT, at=AT)
        segments.rename_segment(db, segment_id, name="Frequent visitors", by=BERT, at=AT)
    with database.reading() as db:
        found = segments.segments(db, site_id)
    assert [(each.name, each.condition) for each in found] == [
        ("Frequent visitors", condition({"all": [BUSY, DOCTORS]}))
    ]
    with database.writing() as db:
        segments.delete_segment(db, segment_id, by=BERT, at=AT)
        assert segments.segment(db, segment_id) is None
    assert deeds(database) == ["segment.saved", "segment.renamed", "segment.deleted"]


def test_a_name_is_there_once_per_site_whatever_its_case(database: Database) -> None:
    site_id, other = a_site(database), a_site(database, "other-us-en")
    save(database, site_id, "Busy", {"all": [BUSY]})
    save(database, other, "Busy", {"all": [BUSY]})
    quiet = save(database, site_id, "Quiet", {"none": [BUSY]})
    for name in ("busy", "BUSY ", "x", "x" * 81):
        with pytest.raises(SegmentRefused):
            save(database, site_id, name, {"all": [DOCTORS]})
    with pytest.raises(SegmentRefused, match="already"), database.writing() as db:
        segments.rename_segment(db, quiet, name="busy", by=ANNA, at=AT)
    assert deeds(database) == ["segment.saved"] * 3


def test_a_segment_in_use_is_not_deleted(database: Database) -> None:
    site_id = a_site(database)
    live(database, site_id, a_rule())
    in_review(database, site_id, a_rule(), a_rule("busy", when={"all": [BUSY, DOCTORS, *CARDIOLOGISTS["all"]]}))
    used = save(database, site_id, "Cardiologists", CARDIOLOGISTS)
    coming = save(database, site_id, "Busy doctors", {"all": [DOCTORS, BUSY]})
    free = save(database, site_id, "Not busy", {"none": [BUSY]})
    with database.reading() as db:
        found = segments.uses_of(db, site_id, {each.id: each.condition for each in segments.segments(db, site_id)}, AT)
    assert [(use.rule_id, use.version) for use in found[used]] == [("renal", 1), ("renal", 2), ("busy", 2)]
    assert [(use.rule_id, use.standing.value) for use in found[coming]] == [("busy", "in review")]
    assert found[free] == []
    for segment_id in (used, coming):
        with pytest.raises(SegmentRefused, match="used by"), database.writing() as db:
            segments.delete_segment(db, segment_id, by=ANNA, at=AT)
    with database.writing() as db:
        segments.delete_segment(db, free, by=ANNA, at=AT)
        assert len(segments.segments(db, site_id)) == 2


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        (CARDIOLOGISTS, CARDIOLOGISTS, True),
        ({"all": [{"all": [BUSY]}, DOCTORS]}, {"all": [BUSY, DOCTORS]}, True),
        ({"any": [{"all": [BUSY, DOCTORS]}, CARDIOLOGISTS]}, {"all": [DOCTORS, BUSY]}, True),
        ({"none": [BUSY]}, {"all": [BUSY]}, True),
        ({"any": [BUSY, DOCTORS]}, {"all": [BUSY, DOCTORS]}, False),
        ({"all": [BUSY]}, {"all": [BUSY, DOCTORS]}, False),
        ({"all": [BUSY]}, {"all": []}, False),
    ],
)
def test_what_a_rule_holds(whole: dict[str, Any], part: dict[str, Any], expected: bool) -> None:
    parsed: list[Condition] = [condition(whole), condition(part)]
    assert holds(*parsed) is expected


def test_what_is_not_there_is_refused(sqlite_database: Database) -> None:
    for deed in (segments.delete_segment, lambda db, one, **how: segments.rename_segment(db, one, name="Busy", **how)):
        with pytest.raises(SegmentRefused, match="no such"), sqlite_database.writing() as db:
            deed(db, "f" * 32, by=ANNA, at=AT)
