"""A band is believed only where the definition that the page was served with lets it be recorded."""

import json
from typing import Any

from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.calculators import registry
from portal.content import actions
from portal.content.bands import declared
from portal.content.states import Kind
from portal.db import Database
from portal.tracking import queries
from tests.tracking.test_actions import AT, DOCTOR, page, reading, take

AUTHOR, REVIEWER = Actor.staff("a" * 32), Actor.staff("b" * 32)


def a_site(db: Session) -> str:
    names = {"brand": "Demo", "generic": "demonil", "market": "US", "language": "en"}
    return actions.create_site(db, "demo-us-en", **names, by=AUTHOR, at=AT)


def a_calculator(db: Session, site_id: str, name: str, **changes: Any) -> str:
    """An approved module with a shipped definition, changed; return its version's id."""
    key = name.replace("_", "-")
    module = actions.create_module(db, site_id, key=key, kind=Kind.CALCULATOR, by=AUTHOR, at=AT)
    definition = json.dumps(json.loads(registry.source(name)) | changes)
    content = actions.ModuleContent(title=name, body="", summary="A calculator.", definition=definition)
    version = actions.draft(db, module, content, by=AUTHOR, at=AT)
    actions.submit(db, version, by=AUTHOR, at=AT)
    actions.approve(db, version, approval_code=key, render=lambda _v: ("card", "page"), by=REVIEWER, at=AT)
    return version


def told(db: Session, version: str, key: str, *said: list[Any]) -> dict[str, int]:
    """Report events from a page served with that version; return what was dropped."""
    _, credential = page(db, sections=[(key, key, version, (), 100), ("efficacy", "efficacy", "v" * 32, (), 100)])
    line = reading(("efficacy", 1000))
    line.events = [[no, *event] for no, event in enumerate(said, 1)]
    take(db, line.message(), credential, calculators=declared)
    return queries.drops(db)


def test_only_bands_of_the_served_definition_are_kept(database: Database) -> None:
    with database.writing() as db:
        version = a_calculator(db, a_site(db), "ckd_epi_2021_cr")
        drops = told(
            db,
            version,
            "ckd-epi-2021-cr",
            ["calculator.opened", "ckd_epi_2021_cr", None, "1.0"],
            ["calculator.completed", "ckd_epi_2021_cr", "g3a", "1.0"],
            ["calculator.completed", "ckd_epi_2021_cr", "g9", "1.0"],
            ["calculator.completed", "ckd_epi_2021_cr", "secret", "1.0"],
        )
        [use] = queries.calculators_of(db, DOCTOR)
        assert (use.calculator, use.version, use.band) == ("ckd_epi_2021_cr", "1.0", "g3a")
        assert drops == {"unknown-band": 2}


def test_another_calculator_or_version_than_the_page_holds_is_refused(database: Database) -> None:
    with database.writing() as db:
        version = a_calculator(db, a_site(db), "ckd_epi_2021_cr")
        drops = told(
            db,
            version,
            "ckd-epi-2021-cr",
            ["calculator.opened", "bmi", None, "1.0"],
            ["calculator.completed", "ckd_epi_2021_cr", "g3a", "2.0"],
            ["calculator.completed", "ckd_epi_2021_cr", "g3a", None],
        )
        assert queries.calculators_of(db, DOCTOR) == []
        assert drops == {"other-calculator": 3}


def test_where_the_definition_keeps_bands_private_none_is_recorded(database: Database) -> None:
    with database.writing() as db:
        version = a_calculator(db, a_site(db), "has_bled")
        drops = told(
            db,
            version,
            "has-bled",
            ["calculator.completed", "has_bled", "high", "1.0"],
            ["calculator.completed", "has_bled", None, "1.0"],
        )
        [use] = queries.calculators_of(db, DOCTOR)
        assert (use.band, use.completed_at is not None) == ("", True)
        assert drops == {"unknown-band": 1}


def test_each_page_is_judged_by_its_own_version(database: Database) -> None:
    with database.writing() as db:
        site_id = a_site(db)
        version = a_calculator(db, site_id, "ckd_epi_2021_cr", version="7.1")
        assert told(db, version, "ckd-epi-2021-cr", ["calculator.completed", "ckd_epi_2021_cr", "g1", "7.1"]) == {}
        told(db, "v" * 32, "other", ["calculator.completed", "ckd_epi_2021_cr", "g1", "7.1"])
        assert queries.drops(db) == {"other-calculator": 1}
