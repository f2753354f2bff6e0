"""L18: whatever is put into a form, the answer is a clear one, never a 5xx, and a refusal leaves nothing behind."""

import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.attacks.roads import ENDERS, ROADS, Road, body_for, roads, values_for
from tests.attacks.rows import row_counts
from tests.attacks.world import NOBODY, STAFF, World, build, token_of
from tests.client import HouseClient

PORTAL = Path(__file__).resolve().parents[2] / "portal"
NASTY = (
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "9" * 400,
    "٣",
    "²",
    "\0",
    "a\0b",
    "\u202e\u200b\ufeff",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "é" * 5000,
    "x" * 100_000,
    "'; DROP TABLE hcps; --",
    "%' OR 1=1",
    "<script>alert(1)</script>",
    "{{ config }}{% for x in () %}",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "0001-01-01T00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30",
    "0" * 32,
    "[" * 2000,
    '{"a": {"b": []}}',
    "a:b:c.0.1",
    "when.0.0.0.0.0",
    "\r\nSet-Cookie: x=1",
    "line\nline",
)
FOLDERS = {
    "rule_drafts": ["rules"],
    "rule_trials": ["rules"],
    "send": ["mailing"],
    "mail": ["mailing"],
    "mail_pieces": ["mailing"],
    "mail_writing": ["mailing"],
    "formulas": ["studio"],
    "calculators": ["studio"],
    "modules": ["studio"],
}
# What a refusal may still write: that it was tried.
BESIDE = frozenset({"rate_counts", "audit_events", "audit_personal", "link_activity", "drops"})
NEVER = ("staff.sign_out", "staff.disable", "staff.change_roles", "microsite.leave", *ENDERS)


def who_may(endpoint: str) -> str:
    """One of those who may take a road."""
    said = ROADS[endpoint]
    return {"everybody": "anonymous", "visit": "doctor"}.get(said) or re.split(r"[ ,]+", said)[0]


def fields_of(endpoint: str) -> list[str]:
    """The names of fields that the view's file and its templates speak of."""
    blueprint = endpoint.split(".")[0]
    text = (PORTAL / "blueprints" / f"{blueprint}.py").read_text()
    found = set(re.findall(r'(?:get|getlist|_number|_moment)\(\s*"([a-z_-]+)"', text))
    for folder in FOLDERS.get(blueprint, [blueprint]):
        for template in sorted((PORTAL / "templates" / folder).glob("*.html")):
            found |= set(re.findall(r'name="([a-z_.-]+)"', template.read_text()))
    if blueprint == "rule_drafts":
        found |= set(re.findall(r'"([a-z_-]+)"', (PORTAL / "rulebook" / "forms.py").read_text()))
    if blueprint == "mail_writing":
        found |= set(re.findall(r'"([a-z_]+)"', (PORTAL / "mailing" / "piece_forms.py").read_text()))
        parts = ("kind", "key", "label", "options", "longest", "required", "restricted")
        found |= {f"f{number}.{part}" for number in (0, 1, 99) for part in parts}
    return sorted(found - {"csrf_token"}) or ["x"]


def test_no_form_breaks(demo_app: Flask) -> None:
    world, dice = build(demo_app), random.Random(1)
    clients = {name: world.actor(name) for name in ("anonymous", "doctor", *STAFF)}
    tokens = {name: token_of(client) if name in STAFF else "" for name, client in clients.items()}
    world.ids["session"] = NOBODY
    broken, held = [], row_counts(demo_app, beside=BESIDE)
    for road in roads(demo_app, "POST"):
        if road.endpoint in NEVER:
            continue
        name, names = who_may(road.endpoint), fields_of(road.endpoint)
        for _ in range(4):
            form: dict[str, Any] = {"csrf_token": tokens[name]} | body_for(world, road)
            for field in dice.sample(names, min(len(names), dice.randint(1, 8))):
                some = [dice.choice(NASTY) for _ in range(dice.choice((1, 1, 1, 3)))]
                form[field] = some if len(some) > 1 else some[0]
            wrong, held = attack(world, clients[name], road, form, held)
            broken += wrong
    assert not broken, "\n".join(broken)


def attack(
    world: World, client: HouseClient, road: Road, form: dict[str, Any], held: dict[str, int]
) -> tuple[list[str], dict[str, int]]:
    """Send one form where `held` rows are; say what was wrong with the answer, and what is held after it."""
    answer = client.raw.post(
        road.path(values_for(world, road)),
        base_url=client.base_url,
        headers={"Sec-Fetch-Site": "same-origin"},
        data=form,
    )
    told = {key: str(value)[:60] for key, value in form.items() if key != "csrf_token"}
    left = row_counts(world.app, beside=BESIDE)
    if answer.status_code >= 500:
        return [f"{road.rule.rule}: {answer.status_code} for {told}"], left
    if answer.status_code >= 400 and left != held:
        return [f"{road.rule.rule}: {answer.status_code} left something behind for {told}"], left
    return [], left


def test_no_address_parameter_breaks_a_page(demo_app: Flask) -> None:
    world = build(demo_app)
    clients = {name: world.actor(name) for name in ("anonymous", "doctor", *STAFF)}
    world.ids["session"] = NOBODY
    broken = []
    for road in roads(demo_app, "GET"):
        client = clients[who_may(road.endpoint)]
        names = sorted({*fields_of(road.endpoint), "q", "page", "at", "as_of", "before", "after", "site", "next"})
        for turn in (0, 1) if world.database.is_sqlite else (2,):
            query = {name: NASTY[(turn * 7 + place) % len(NASTY)][:1500] for place, name in enumerate(names)}
            for each in (query, *({name: query[name]} for name in ("q", "at", "as_of", "site", "page"))):
                path = road.path(values_for(world, road))
                answer = client.raw.get(path, base_url=client.base_url, query_string=each)
                if answer.status_code >= 500:
                    broken.append(f"{road.rule.rule}: {answer.status_code} for {str(each)[:300]}")
    assert not broken, "\n".join(broken[:40])


def test_no_body_breaks_a_form(sqlite_demo_app: Flask) -> None:
    demo_app = sqlite_demo_app
    world = build(demo_app)
    clients = {name: world.actor(name) for name in ("anonymous", "doctor", *STAFF)}
    tokens = {name: token_of(client) if name in STAFF else "" for name, client in clients.items()}
    world.ids["session"] = NOBODY
    before = row_counts(demo_app, beside=BESIDE)
    bodies = [
        ("application/json", b'{"a":'),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(5000))),
        ("application/x-www-form-urlencoded; charset=utf-7", b"%FF%FE=%ED%A0%80"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\n" * 2000),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' * 1500 + b"--x--",
        ),
        ('text/\xff; a="', b"\x00\xff"),
    ]
    for road in roads(demo_app, "POST"):
        if road.endpoint in NEVER:
            continue
        name = who_may(road.endpoint)
        for kind, body in bodies:
            answer = clients[name].raw.post(
                road.path(values_for(world, road)),
                base_url=clients[name].base_url,
                headers={"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": "0" * 64},
                data=body,
                content_type=kind,
            )
            assert answer.status_code < 500, (road.rule.rule, kind)
        wrong = clients[name].raw.post(
            road.path(values_for(world, road)),
            base_url=clients[name].base_url,
            headers={"Sec-Fetch-Site": "same-origin"},
            data={"csrf_token": tokens[name][::-1] or "é"},
        )
        assert wrong.status_code < 500, road.rule.rule
        if name in STAFF:
            assert wrong.status_code == 400, road.rule.rule
    left = {table: count for table, count in row_counts(demo_app, beside=BESIDE).items() if count != before[table]}
    assert left == {} or set(left) <= {"visits", "mail_preferences", "outbox", "sendings"}, left


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 50,
        b"\xff\xfe\x00\xd8",
        b"ref\n" + b"x" * 70_000,
        b"ref,ref\n1,2",
        b'"' * 3001,
        b"PK\x03\x04" + b"\0" * 99,
    ],
)
def test_no_file_breaks_the_import(sqlite_demo_app: Flask, content: bytes) -> None:
    client = World(sqlite_demo_app).actor("admin")
    before = row_counts(sqlite_demo_app, beside=BESIDE)
    for file_name in ("doctors.csv", "../../x.csv", "é\u202e.csv", "x" * 5000 + ".csv", "<b>.csv"):
        data = {"file": (io.BytesIO(content), file_name), "csrf_token": token_of(client)}
        answer = client.post("/staff/import", data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text or "error" in answer.text
    assert row_counts(sqlite_demo_app, beside=BESIDE) == before
