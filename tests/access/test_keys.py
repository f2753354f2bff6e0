"""A key that leaves the ring takes its links and their open visits with it; commands print no secret unasked."""

import json
import re

from flask import Flask

from portal import create_app
from portal.access.tokens import Purpose, TokenBox
from portal.config import Settings
from tests.access.test_door import new_link, press
from tests.client import HouseClient
from tests.conftest import KEY

NEW = "new-key-" + "n" * 32


def with_ring(app: Flask, settings: Settings, *keys: str) -> Flask:
    """The same portal after a restart with another ring."""
    url = app.extensions["portal.database"].url.render_as_string(hide_password=False)
    return create_app(settings.model_copy(update={"secret_key": keys, "database_url": url}))


def carried_over(client: HouseClient, app: Flask) -> HouseClient:
    """The same browser at the restarted portal."""
    other = HouseClient(app)
    for name in ("visit", "device"):
        cookie = client.raw.get_cookie(name, domain="127.0.0.1")
        assert cookie is not None
        other.raw.set_cookie(name, cookie.value, domain="127.0.0.1")
    return other


def test_dropping_a_key_ends_its_links_and_visits_at_the_next_request(demo_app: Flask, settings: Settings) -> None:
    _, path = new_link(demo_app)
    client = HouseClient(demo_app)
    press(client, path)
    assert client.get("/m/").status_code == 200
    extended = with_ring(demo_app, settings, KEY, NEW)
    assert HouseClient(extended).get(path).status_code == 200
    assert carried_over(client, extended).get("/m/").status_code == 200
    fresh = "/v/" + extended.extensions["portal.tokens"].for_id(Purpose.LINK, new_link(extended)[0])
    dropped = with_ring(demo_app, settings, NEW)
    assert HouseClient(dropped).get(path).status_code == 404
    assert carried_over(client, dropped).get("/m/").status_code == 303
    assert HouseClient(dropped).get(fresh).status_code == 200
    for app in (extended, dropped):
        app.extensions["portal.database"].close()


def test_marks_tell_keys_apart_and_nothing_else() -> None:
    box = TokenBox((KEY, NEW))
    assert len(set(box.key_marks())) == 2
    link_id, mark = box.read_link(box.for_id(Purpose.LINK, "a" * 32))
    assert (link_id, mark) == ("a" * 32, box.key_marks()[1])


def test_the_commands_print_no_secret_unless_asked(sqlite_demo_app: Flask) -> None:
    runner = sqlite_demo_app.test_cli_runner()
    listed = runner.invoke(args=["keys", "list", "--json"])
    assert listed.exit_code == 0
    assert [each["signs"] for each in json.loads(listed.stdout)["keys"]] == [True]
    said = runner.invoke(args=["keys", "rotate"])
    asked = runner.invoke(args=["keys", "rotate", "--json", "--show"])
    for output in (listed.stdout, said.stdout, runner.invoke(args=["keys", "list"]).stdout):
        assert KEY not in output
        assert not re.search(r"[0-9a-f]{64}", output)
    ring = json.loads(asked.stdout)["PORTAL_SECRET_KEY"].split(",")
    assert ring[0] == KEY
    assert len(ring[1]) == 64
