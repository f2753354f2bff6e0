"""L2: reading changes nothing but the access record, the served page and when a session was last seen."""

from flask import Flask

from portal.audit.models import AuditEvent
from tests.attacks.roads import Road, roads, values_for
from tests.attacks.rows import dump
from tests.attacks.world import ACTORS, NOBODY, STAFF, build
from tests.client import HouseClient

# What may grow while somebody only reads; nothing in them may go or change.
MAY_GROW = {
    "link_activity",  # who fetched a link, robots included
    "audit_events",  # that something was read
    "arrangements",  # the page as it was served,
    "fragments",  # the pieces it is made of,
    "page_views",  # and the place its beats will be added to
}
MAY_CHANGE = {"staff_sessions": "last_seen_at", "visits": "last_seen_at"}
READINGS = (".read", ".reread", ".served", ".exported", ".replayed", ".opened")


def test_reading_changes_nothing(demo_app: Flask) -> None:
    world = build(demo_app)
    for name in ACTORS:
        client = world.actor(name)
        world.ids["session"] = world.session_of(STAFF[name]) if name in STAFF else NOBODY
        before, logged = dump(demo_app), names_logged(demo_app)
        for method in ("GET", "HEAD", "OPTIONS") if name in ("doctor", "rep", "compliance") else ("GET",):
            for road in roads(demo_app, "GET"):
                look(client, road, values_for(world, road), method)
        assert all(event.endswith(READINGS) for event in names_logged(demo_app) - logged), name
        after = dump(demo_app)
        for table, rows in after.items():
            gone, come = set(before[table]) - set(rows), set(rows) - set(before[table])
            if table in MAY_CHANGE:
                assert len(gone) == len(come), (name, table, gone, come)
            else:
                assert not gone, (name, table, gone)
                assert table in MAY_GROW or not come, (name, table, come)


def names_logged(app: Flask) -> set[str]:
    """The names of the events of the log, each with how often it stands there."""
    counted: dict[str, int] = {}
    with app.extensions["portal.database"].reading() as db:
        for row in db.query(AuditEvent.name):
            counted[row.name] = counted.get(row.name, 0) + 1
    return {f"{count} {name}" for name, count in counted.items()}


def look(client: HouseClient, road: Road, values: dict[str, str], method: str) -> None:
    """Read one page."""
    answer = client.raw.open(road.path(values), method=method, base_url=client.base_url)
    assert answer.status_code < 500, (road.rule.rule, answer.status_code)
    if method == "HEAD":
        assert not answer.data, road.rule.rule
