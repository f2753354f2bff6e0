"""Modules that fall behind are named with their evidence, from what is stored, on both databases."""

import json
from datetime import timedelta

from flask import Flask

from portal.content.models import Module, ModuleVersion
from portal.content.queries import store_fragment
from portal.db import Database, new_id
from portal.microsite.models import StoredArrangement
from portal.personalize.underperform import Weakness
from portal.reports.revising import revision
from portal.tracking.models import Interaction, PageView, SectionView
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.reports.world import World, make_world

KEYS = ("dosing", "warnings", "renal")


def shown(world: World, order: tuple[str, ...], passed: frozenset[str], version: dict[str, str], count: int) -> None:
    """Store home pages in this order on which some modules were passed by."""
    with world.database.writing() as db:
        fragment = store_fragment(db, "<p></p>", world.at)
        for _ in range(count):
            arrangement_id, view_id = new_id(), new_id()
            db.add(
                StoredArrangement(
                    id=arrangement_id,
                    at=world.at,
                    site_id=world.site_id,
                    visit_id=new_id(),
                    hcp_id=None,
                    page="home",
                    mode="personal",
                    rule_set_id=world.rule_set_id,
                    facts="{}",
                    candidates=fragment,
                    decision=json.dumps({"items": [{"module": key} for key in order]}),
                    pieces=[],
                    page_sha256="0" * 64,
                )
            )
            db.add(view(world, view_id, "home", arrangement_id, version))
            for key in order:
                db.add(section(world, view_id, key, version[key], 0, seen_ms=3000, passed=key in passed))


def view(world: World, view_id: str, page: str, arrangement_id: str | None, version: dict[str, str]) -> PageView:
    """Return a confirmed view of a page."""
    return PageView(
        id=view_id,
        hcp_id=new_id(),
        visit_id=new_id(),
        site_id=world.site_id,
        page=page,
        arrangement_id=arrangement_id,
        mode="identified",
        feeds_profile=True,
        staff=False,
        sections=[[key, key, version[key], [], 100] for key in KEYS],
        grace_ms=0,
        opened_at=world.at,
        confirmed=True,
        refused=[],
    )


def section(
    world: World, view_id: str, key: str, version: str, attention_ms: int, *, seen_ms: int = 0, passed: bool = False
) -> SectionView:
    """Return what one section of a view got."""
    row = SectionView(view_id=view_id, section=key, hcp_id=None, site_id=world.site_id, module_key=key)
    row.module_version, row.attention_ms, row.seen_ms = version, attention_ms, seen_ms
    row.first, row.times, row.passed = 0, 0, passed
    return row


def read(world: World, key: str, version: dict[str, str], ms: int, useful: str, count: int) -> None:
    """Store readings of a module's own page, each with an answer."""
    with world.database.writing() as db:
        for number in range(count):
            view_id = new_id()
            db.add(view(world, view_id, key, None, version))
            db.add(section(world, view_id, key, version[key], ms + number))
            if useful:
                told = Interaction(view_id=view_id, no=1, type="module.useful", subject=key, site_id=world.site_id)
                told.value, told.version, told.at = useful, "", world.at
                db.add(told)


def test_what_falls_behind_is_named_with_its_evidence(app: Flask) -> None:
    world = make_world(app)
    shown(world, KEYS, frozenset({"renal"}), world.versions, 60)
    for key in KEYS:
        weak = key == "renal"
        read(world, key, world.versions, 6_000 if weak else 25_000, "no" if weak else "yes", 30)
    with world.database.reading() as db:
        found = revision(db, world.site_id, at=world.at + timedelta(days=1))
    kinds = {(weak.module, weak.kind) for weak, _ in found.weak}
    assert ("renal", Weakness.SHORT_DWELL) in kinds
    assert ("renal", Weakness.NOT_USEFUL) in kinds
    assert {module for module, _ in kinds} == {"renal"}
    renal = next(version.record for version in found.versions if version.id == world.versions["renal"])
    assert (renal.shown(), renal.skipped(), len(renal.dwell_ms), renal.not_useful) == (60, 60, 30, 30)
    assert found.pairs == ()


def test_passing_by_is_compared_at_the_same_place(app: Flask) -> None:
    world = make_world(app)
    orders = (KEYS, (KEYS[1], KEYS[2], KEYS[0]), (KEYS[2], KEYS[0], KEYS[1]))
    for order in orders:
        shown(world, order, frozenset({"warnings"}), world.versions, 30)
    with world.database.reading() as db:
        found = revision(db, world.site_id, at=world.at + timedelta(days=1))
    assert [(weak.module, weak.kind) for weak, _ in found.weak] == [("warnings", Weakness.SKIPPED)]


def test_a_new_version_stands_beside_the_old(app: Flask, client: HouseClient) -> None:
    world = make_world(app)
    shown(world, KEYS, frozenset({"renal"}), world.versions, 40)
    read(world, "renal", world.versions, 6_000, "no", 25)
    newer = _second_version(world)
    shown(world, KEYS, frozenset(), newer, 40)
    read(world, "renal", newer, 20_000, "yes", 25)
    with world.database.reading() as db:
        found = revision(db, world.site_id, at=world.at + timedelta(days=1))
    [pair] = found.pairs
    assert (pair.module, pair.older.number, pair.newer.number) == ("renal", 1, 2)
    assert pair.compared.skipped is not None
    assert pair.compared.skipped.value == -1
    assert pair.compared.useful is not None
    assert pair.compared.useful.value == 1
    before, now = pair.compared.typical_ms
    assert before is not None
    assert now is not None
    assert before < 7_000 < 19_000 < now
    sign_in_as(app, client, "marketer")
    page = client.get("/staff/insights/modules").text
    assert "1 → 2" in page
    assert "-100 (" in page


def test_what_is_too_old_unconfirmed_or_of_staff_is_left_out(sqlite_app: Flask) -> None:
    world = make_world(sqlite_app)
    shown(world, KEYS, frozenset({"renal"}), world.versions, 5)
    with world.database.writing() as db:
        for number, row in enumerate(db.query(PageView)):
            row.confirmed, row.staff = number % 2 == 0, number % 2 == 0
    with world.database.reading() as db:
        assert not any(v.record.shown() for v in revision(db, world.site_id, at=world.at).versions)
    read(world, "renal", world.versions, 9_000, "yes", 3)
    with world.database.reading() as db:
        assert sum(len(v.record.dwell_ms) for v in revision(db, world.site_id, at=world.at).versions) == 3
        late = world.at + timedelta(days=91)
        assert not any(v.record.dwell_ms or v.record.useful for v in revision(db, world.site_id, at=late).versions)


def _second_version(world: World) -> dict[str, str]:
    """Put a second version of one module in the place of the first; return the versions in force."""
    database: Database = world.database
    with database.writing() as db:
        old = db.get(ModuleVersion, world.versions["renal"])
        assert old is not None
        columns = {column.key: getattr(old, column.key) for column in ModuleVersion.__table__.columns}
        module = db.get(Module, old.module_id)
        assert module is not None
        old.in_force_until = world.at
        newer = {"id": new_id(), "number": 2, "title": "Renal, shorter", "in_force_from": world.at}
        db.add(ModuleVersion(**(columns | newer)))
    return {**world.versions, "renal": str(newer["id"])}
