"""L1: who may take which road, every road by every kind of person; and a foreign thing answers as a missing one."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.attacks.roads import ABSENT, DOCTORS, EVERYBODY, OWN, ROADS, VISIT, Road, body_for, roads, takers, values_for
from tests.attacks.world import ACTORS, NOBODY, STAFF, World, build, keep_file, token_of
from tests.client import HouseClient

SAY_MISSING = ("/v/", "/mail/reports")  # open to all: who presses without a nonce, or knows no secret, is told 404


def test_every_road_is_written_down_here_too(sqlite_app: Flask) -> None:
    known = {str(rule.endpoint) for rule in sqlite_app.url_map.iter_rules()}
    assert known - set(ROADS) == set(), "say in tests/attacks/roads.py who may take these"


@pytest.mark.parametrize("name", ACTORS)
def test_each_person_gets_exactly_what_is_theirs(sqlite_demo_app: Flask, name: str) -> None:
    world = build(sqlite_demo_app)
    client = world.actor(name)
    world.ids["session"] = world.session_of(STAFF[name]) if name in STAFF else NOBODY
    token = token_of(client) if name in STAFF else ""
    wrong = []
    for road in roads(sqlite_demo_app, "GET", "HEAD", "POST"):
        if road.endpoint == "hcps.discard" and name == "admin":
            keep_file(world)  # the one before was confirmed
        answer = take(client, road, values_for(world, road), {"csrf_token": token} | body_for(world, road))
        expected, got = expectation(name, road), class_of(answer)
        if got != expected:
            wrong.append(f"{road.method} {road.rule.rule}: {got} ({answer.status_code}) instead of {expected}")
    assert not wrong, "\n".join(wrong)


def expectation(name: str, road: Road) -> str:
    """The class of answer that `name` is to get."""
    said = ROADS[road.endpoint]
    if said == EVERYBODY:
        return "open"
    if said == VISIT:
        return "open" if name in ("doctor", "other doctor") else "lost"
    if name not in STAFF:
        return "sign-in" if road.method == "GET" else "unsigned"
    if name in takers(road.endpoint):
        return "missing" if ABSENT & set(road.names) else "open"
    if name == "other rep" and said in (DOCTORS, OWN):
        return "missing"
    return "refused"


def class_of(answer: TestResponse) -> str:
    """What kind of answer this is."""
    place = answer.headers.get("Location", "")
    if answer.status_code == 303 and place.startswith("/staff/sign-in?next="):
        return "sign-in"
    if answer.status_code == 303 and place == "/v/lost" and "Set-Cookie" not in answer.headers:
        return "lost"
    named = {401: "unsigned", 403: "refused", 404: "missing"}.get(answer.status_code)
    if answer.status_code >= 500:
        return "broken"
    if named == "missing" and answer.request.path.startswith(SAY_MISSING):
        return "open"
    return named or "open"


def take(client: HouseClient, road: Road, values: dict[str, str], form: dict[str, str]) -> TestResponse:
    """Take a road as a browser would, without looking at the page."""
    data = form if road.method == "POST" else None
    headers = {"Sec-Fetch-Site": "same-origin"}
    return client.raw.open(road.path(values), method=road.method, base_url=client.base_url, headers=headers, data=data)


OWNED = {  # by argument: what stands for another's
    "hcp_id": ("foreign hcp", "unassigned hcp"),
    "link_id": ("other doctor's link",),
    "mailing_id": ("other doctor's composed mailing", "other doctor's sent mailing"),
    "sending_id": ("other doctor's sending",),
    "kept_id": ("foreign kept file",),
    "session_id": ("foreign session",),
}
SEES_ALL = ("compliance.", "preview.", "outbox.mail")  # these look at every doctor's things


def test_foreign_and_malformed_ids_answer_as_missing_ones(demo_app: Flask) -> None:
    world = build(demo_app)
    kept, session = world.ids["kept file"], world.session_of(STAFF["manager"])
    wrong = []
    for name in ("anonymous", "doctor", "rep", "marketer", "reviewer", "compliance", "admin"):
        client = world.actor(name)
        world.ids["session"] = world.session_of(STAFF[name]) if name in STAFF else NOBODY
        world.ids |= {"foreign kept file": kept, "foreign session": session}
        token = token_of(client) if name in STAFF else ""
        for road in roads(demo_app, "GET", "POST"):
            if road.names and expectation(name, road) == "open":
                wrong += strangers(world, client, road, name, {"csrf_token": token} | body_for(world, road))
    assert not wrong, "\n".join(wrong)


def strangers(world: World, client: HouseClient, road: Road, name: str, form: dict[str, str]) -> list[str]:
    """Where a foreign or malformed id does not answer as a missing one."""
    own, wrong = values_for(world, road), []
    for argument in road.names:
        missing = take(client, road, own | {argument: NOBODY}, form)
        if missing.status_code != 404:
            wrong.append(f"{road.method} {road.rule.rule}: a missing {argument} answers {missing.status_code}")
        for strange in [*foreign(world, road, argument, name), *malformed(own[argument])]:
            answer = take(client, road, own | {argument: strange}, form)
            if answer.status_code != missing.status_code or plain(answer) != plain(missing):
                wrong.append(f"{road.method} {road.rule.rule}: {argument}={strange[:50]!r} {answer.status_code}")
    return wrong


def foreign(world: World, road: Road, argument: str, name: str) -> list[str]:
    """Ids of things that are there and another's."""
    if road.endpoint.startswith(SEES_ALL) or (argument == "kept_id" and name == "admin"):
        return []
    return [world.ids[key] for key in OWNED.get(argument, ())]


def malformed(real: str) -> list[str]:
    """What is nearly an id, and what is none; written as it stands in an address."""
    return [
        real.upper() + "A",
        real[:-1],
        real + "0",
        real + "%00",
        "%00" * 32,
        "%C3%BC" * 32,
        "%ED%A0%80",
        "'%20OR%201=1--",
        "0" * 10_000,
    ]


def plain(answer: TestResponse) -> str:
    """The page without its reference, which differs each time."""
    return re.sub(r"[0-9a-f]{8}", "", answer.text)
