"""The clause a condition is compiled to and the evaluator agree on every doctor, on both databases."""

import json
import random
from typing import Any

import pytest

from portal.db import Database
from portal.personalize.catalogue import FACTS
from portal.personalize.conditions import comparisons
from portal.personalize.evaluate import is_impersonal, is_met
from portal.reports.matching import Way, matching, who
from portal.reports.matching.audience import met_by
from portal.reports.matching.people import Ground, people
from tests.insights import population
from tests.insights.population import AT, HALF_LIFE

POPULATIONS, DOCTORS, TREES = 3, 40, 60


def _settled(database: Database, seed: int) -> tuple[str, list[str], random.Random]:
    chance = random.Random(seed)
    with database.writing() as db:
        site_id = population.a_site(db)
        doctors = population.people(db, site_id, chance, DOCTORS)
    return site_id, doctors, chance


@pytest.mark.parametrize("seed", range(POPULATIONS))
def test_sql_and_evaluator_agree_on_random_trees(database: Database, seed: int) -> None:
    site_id, doctors, chance = _settled(database, seed)
    asked: set[str] = set()
    some = 0
    with database.reading() as db:
        known = {hcp_id: population.facts_of(db, site_id, hcp_id) for hcp_id in doctors}
        ground = Ground(people(site_id, AT), site_id, AT, HALF_LIFE, db.get_bind().dialect.name)
        trees: list[dict[str, Any]] = [{"all": [one]} for one in population.one_of_each(chance)]
        trees += [population.a_tree(chance) for _ in range(TREES)]
        for raw in trees:
            tree = population.condition(raw)
            asked |= {comparison.fact for _, comparison in comparisons(tree)}
            wanted = {hcp_id for hcp_id, facts in known.items() if is_met(tree, facts)}
            assert set(db.scalars(met_by(tree, ground))) == wanted, json.dumps(raw)
            acted = wanted if is_impersonal(tree) else {one for one in wanted if known[one].is_personal()}
            told = matching(db, site_id, tree, at=AT, half_life_days=HALF_LIFE)
            assert (told.matched, told.of) == (len(acted), len(doctors)), json.dumps(raw)
            some += 0 < len(wanted) < len(doctors)
    assert asked == set(FACTS), "every fact of the catalogue was asked about"
    assert some > TREES / 4, "many trees part the doctors"


def test_a_rule_about_the_person_rests_without_consent(database: Database) -> None:
    site_id, doctors, _ = _settled(database, 99)
    nobody_is: dict[str, Any] = {"none": [{"fact": "specialty", "op": "is", "value": "dermatology"}]}
    with database.reading() as db:
        agreed = sum(population.facts_of(db, site_id, hcp_id).is_personal() for hcp_id in doctors)
        told = matching(db, site_id, population.condition(nobody_is), at=AT, half_life_days=HALF_LIFE)
    assert 0 < agreed < len(doctors)
    assert (told.matched, told.of, told.way) == (agreed, len(doctors), Way.EVERYBODY)


def test_a_list_ends_at_its_limit_and_names_nobody(sqlite_database: Database) -> None:
    site_id, doctors, _ = _settled(sqlite_database, 7)
    everybody = population.condition({"all": []})
    with sqlite_database.reading() as db:
        listed = who(db, site_id, everybody, at=AT, half_life_days=HALF_LIFE, limit=5)
        told = matching(db, site_id, everybody, at=AT, half_life_days=HALF_LIFE)
    assert [doctor.ref for doctor in listed] == sorted(doctor.ref for doctor in listed)
    assert len(listed) == 5
    assert told.way is Way.EVERYBODY
    assert told.of == len(doctors)


def test_without_doctors_nobody_matches(sqlite_database: Database) -> None:
    with sqlite_database.writing() as db:
        site_id = population.a_site(db)
        told = matching(db, site_id, population.condition({"all": []}), at=AT, half_life_days=HALF_LIFE)
    assert (told.matched, told.of, told.way) == (0, 0, Way.NOBODY)
