"""Who may open the pages about rules, and how they answer to what is not there."""

import pytest
from flask import Flask

from tests.client import HouseClient
from tests.rules.pages import SignIn, begun, form_on, seeded

HOME = "/staff/rules/"
READ = ("", "history?site=demo-us-en", "versions/{live}")
WRITE = ("drafts/{draft}", "drafts/{draft}/rules/new", "drafts/{draft}/rules/renal", "drafts/{draft}/settings")
WRITE_POSTS = ("drafts/", "drafts/{draft}/submit", "drafts/{draft}/discard", "drafts/{draft}/rules/renal/remove")
WRITE_POSTS += ("drafts/{draft}/rules/renal", "drafts/{draft}/rules/renal/move", "versions/{live}/propose")
APPROVE_POSTS = ("versions/{draft}/review", "versions/{live}/revert")
RELEASE_POSTS = ("versions/{draft}/live", "versions/{draft}/schedule", "versions/{draft}/unschedule")
KILL = "sites/demo-us-en/rules/renal/off"


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """One database is enough: doors are shut before it is asked."""
    return sqlite_app


@pytest.fixture
def places(app: Flask, client: HouseClient, sign_in: SignIn) -> dict[str, str]:
    """The ids of a live version and of a marketer's draft."""
    _, live = seeded(app)
    marketer = HouseClient(app)
    sign_in(marketer, "marketer")
    return {"live": live, "draft": begun(marketer).rsplit("/", 1)[-1]}


@pytest.mark.parametrize("role", ["rep", "manager", "admin"])
def test_people_without_the_permission_open_nothing(
    client: HouseClient, sign_in: SignIn, places: dict[str, str], role: str
) -> None:
    sign_in(client, role)
    for path in (*READ, *WRITE, KILL):
        assert client.get(HOME + path.format(**places)).status_code == 403, path


@pytest.mark.parametrize("role", ["reviewer", "compliance"])
def test_readers_read_and_do_not_write(client: HouseClient, sign_in: SignIn, places: dict[str, str], role: str) -> None:
    sign_in(client, role)
    for path in READ:
        assert client.get(HOME + path.format(**places)).status_code == 200, path
    for path in WRITE:
        assert client.get(HOME + path.format(**places)).status_code == 403, path
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for path in WRITE_POSTS:
        assert client.post(HOME + path.format(**places), data={"csrf_token": token}).status_code == 403, path
    assert "Change the rules" not in client.get(HOME).text


def test_a_marketer_releases_but_does_not_approve_and_compliance_does_neither(
    app: Flask, client: HouseClient, sign_in: SignIn, places: dict[str, str]
) -> None:
    sign_in(client, "marketer")
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for path in APPROVE_POSTS:
        assert client.post(HOME + path.format(**places), data={"csrf_token": token}).status_code == 403, path
    other = HouseClient(app)
    sign_in(other, "compliance")
    token = form_on(other.get(HOME).text, "/sign-out")["csrf_token"]
    for path in (*APPROVE_POSTS, *RELEASE_POSTS):
        assert other.post(HOME + path.format(**places), data={"csrf_token": token}).status_code == 403, path


@pytest.mark.parametrize("wrong", ["f0" * 16, "0" * 32, "1", "x" * 300, "%F0%9F", "None"])
def test_what_is_not_there_answers_the_same_whatever_is_asked(
    client: HouseClient, sign_in: SignIn, places: dict[str, str], wrong: str
) -> None:
    sign_in(client, "marketer")
    pages = [f"versions/{wrong}", f"drafts/{wrong}", f"drafts/{wrong}/rules/new", f"drafts/{wrong}/settings"]
    pages += [f"drafts/{places['draft']}/rules/{wrong}", f"?site={wrong}", f"history?site={wrong}"]
    pages += [f"sites/{wrong}/rules/renal/off", f"sites/demo-us-en/rules/{wrong}/off", f"drafts/{places['live']}"]
    for path in pages:
        assert client.get(HOME + path).status_code == 404, path
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for path in (f"versions/{wrong}/propose", f"versions/{wrong}/live", f"drafts/{wrong}/submit"):
        assert client.post(HOME + path, data={"csrf_token": token}).status_code == 404, path
    for data in ({"site": wrong}, {"site": "demo-us-en", "version": "77"}):
        assert client.post(f"{HOME}drafts/", data={"csrf_token": token, **data}).status_code == 404


def test_a_post_without_its_token_changes_nothing(client: HouseClient, sign_in: SignIn, places: dict[str, str]) -> None:
    sign_in(client, "marketer")
    answer = client.post(f"{HOME}{KILL}", data={"reason": "no token"})
    assert answer.status_code == 400
    assert "Off:" not in client.get(HOME).text


@pytest.mark.parametrize("path", ["versions/{draft}/live", "versions/{draft}/unschedule", "versions/{live}/propose"])
def test_a_deed_out_of_turn_is_refused_in_words(
    client: HouseClient, sign_in: SignIn, places: dict[str, str], path: str
) -> None:
    sign_in(client, "marketer")
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    answer = client.post(HOME + path.format(**places), data={"csrf_token": token, "note": "let me try"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
