"""L1 and L2: every route says who may open it; reading changes nothing."""

from typing import Any

import pytest
from flask import Flask

from portal import create_app
from portal.config import Settings
from portal.staff.roles import TABLE, Permission, Person, Role, may
from portal.web import guards
from tests.client import HouseClient


def test_every_route_is_declared(sqlite_app: Flask) -> None:
    for rule in sqlite_app.url_map.iter_rules():
        assert guards.declaration_of(sqlite_app, rule.endpoint) is not None, rule.rule


def test_every_open_door_says_why(sqlite_app: Flask) -> None:
    for rule in sqlite_app.url_map.iter_rules():
        declared = guards.declaration_of(sqlite_app, rule.endpoint)
        assert declared is not None
        if declared.public is guards.Public.EVERYBODY:
            assert len(declared.why) > 20, rule.rule


def test_the_application_refuses_to_start_with_an_undeclared_route(settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/bare", view_func=lambda: "bare", endpoint="bare")
    with pytest.raises(guards.UndeclaredRoute, match="/bare"):
        guards.seal(app)


def test_ids_in_addresses_are_never_counted_up(sqlite_app: Flask) -> None:
    for rule in sqlite_app.url_map.iter_rules():
        assert "<int:" not in rule.rule, rule.rule


def test_what_the_table_does_not_list_is_refused() -> None:
    nobody = Person("0" * 32, "Nobody", "nobody@portal.example", frozenset())
    everybody = Person("1" * 32, "All", "all@portal.example", frozenset(Role))
    for permission in Permission:
        assert permission in TABLE, f"{permission} is granted to nobody and asked for by someone"
        if permission is not Permission.HOME:
            assert not may(nobody, permission), permission
    invented: Any = "invented"
    assert not may(everybody, invented)


def test_staff_routes_send_strangers_to_the_sign_in_page(sqlite_app: Flask) -> None:
    client = HouseClient(sqlite_app)
    for rule in sqlite_app.url_map.iter_rules():
        declared = guards.declaration_of(sqlite_app, rule.endpoint)
        if declared is None or declared.public is not guards.Public.STAFF:
            continue
        path = _filled(rule.rule, dict.fromkeys(rule.arguments, "0" * 32))
        if "GET" in (rule.methods or ()):
            response = client.get(path)
            assert response.status_code == 303, path
            assert "/staff/sign-in" in response.headers["Location"]
        if "POST" in (rule.methods or ()):
            assert client.post(path).status_code in (401, 303), path


def test_visit_routes_send_strangers_to_the_way_back_in(sqlite_app: Flask) -> None:
    client = HouseClient(sqlite_app)
    for rule in sqlite_app.url_map.iter_rules():
        declared = guards.declaration_of(sqlite_app, rule.endpoint)
        if declared is None or declared.public is not guards.Public.VISIT:
            continue
        path = _filled(rule.rule, dict.fromkeys(rule.arguments, "x"))
        call = client.get if "GET" in (rule.methods or ()) else client.post
        response = call(path)
        assert response.status_code == 303, path
        assert response.headers["Location"].endswith("/v/lost")


def test_a_cross_site_post_is_refused_everywhere_but_where_machines_post(sqlite_app: Flask) -> None:
    client = HouseClient(sqlite_app)
    for rule in sqlite_app.url_map.iter_rules():
        declared = guards.declaration_of(sqlite_app, rule.endpoint)
        if declared is None or declared.cross_site or "POST" not in (rule.methods or ()):
            continue
        path = _filled(rule.rule, dict.fromkeys(rule.arguments, "0" * 32))
        for headers in (
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "same-site", "Origin": "https://other.portal.example"},
            {"Sec-Fetch-Site": "none"},
        ):
            assert client.post(path, headers=headers).status_code == 403, (path, headers)


def _filled(rule: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        for kind in ("", "string:", "path:"):
            rule = rule.replace(f"<{kind}{name}>", value)
    return rule
