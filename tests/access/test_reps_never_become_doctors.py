"""A rep who opens a doctor's link, in any of the ways a rep can, never becomes the doctor."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.access.models import Visit
from portal.mailing.models import Sending
from portal.web.network import network_of
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of
from tests.attacks.world import sign_in
from tests.client import HouseClient

OFFICE = "2001:db8:5:7:aaaa:bbbb:cccc:dddd"
SAME_NETWORK = "2001:db8:5:7:1111:2222:3333:4444"
ELSEWHERE = "2001:db8:5:8::1"


def opened_from(app: Flask, client: HouseClient, path: str, address: str) -> str:
    """Press the button from an address and return the confidence of the visit."""
    environ = {"REMOTE_ADDR": address}
    nonce = nonce_of(client.get(path, headers={"User-Agent": CHROME}, environ_base=environ))
    assert client.post(path, data={"nonce": nonce}, headers=GESTURE, environ_base=environ).status_code == 303
    with app.extensions["portal.database"].reading() as db:
        return db.scalars(select(Visit.confidence).order_by(Visit.opened_at.desc())).all()[0]


@pytest.mark.parametrize(
    ("address", "confidence"), [(OFFICE, "unknown"), (SAME_NETWORK, "unknown"), (ELSEWHERE, "device")]
)
def test_a_private_window_in_the_network_of_a_rep_is_nobody(
    sqlite_demo_app: Flask, address: str, confidence: str
) -> None:
    _, path = new_link(sqlite_demo_app)
    rep = HouseClient(sqlite_demo_app)
    rep.raw.environ_base["REMOTE_ADDR"] = OFFICE
    sign_in(rep, "rep@portal.example")
    assert opened_from(sqlite_demo_app, HouseClient(sqlite_demo_app), path, address) == confidence
    doctor = HouseClient(sqlite_demo_app)
    theirs = opened_from(sqlite_demo_app, doctor, path, "198.51.100.7")
    assert theirs == ("unknown" if confidence == "device" else "device")  # the link is still free for the doctor


def test_previews_and_tests_open_nothing(sqlite_demo_app: Flask) -> None:
    rep = HouseClient(sqlite_demo_app)
    sign_in(rep, "rep@portal.example")
    page = rep.get("/staff/mail/new").text
    doctor, template = (
        re.search(
            rf'name="{name}"[^>]*value="([0-9a-f]{{32}})"|name="{name}".*?<option value="([0-9a-f]{{32}})"', page, re.S
        )
        for name in ("doctor", "template")
    )
    assert doctor is not None
    assert template is not None
    data = {"doctor": doctor[1] or doctor[2], "template": template[1] or template[2]}
    where = rep.submit("/staff/mail/new", "/staff/mail/new", data).headers["Location"]
    rep.submit(where, where, {"value-occasion": "As you asked,", "act": "test"})
    frame = rep.raw.get(f"{where}/preview", base_url=rep.base_url).text
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        [test] = db.scalars(select(Sending).where(Sending.kind == "test"))
        for body in (frame, test.html or "", test.text or ""):
            found = set(re.findall(r"/[vup]/([a-z0-9-]+)", body))
            assert found == {"preview"}
    assert HouseClient(sqlite_demo_app).get("/v/preview").status_code == 404


@pytest.mark.parametrize(
    ("address", "named", "is_local"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::ffff:192.0.2.9", "192.0.2.9", False),
        ("192.0.2.9", "192.0.2.9", False),
        ("2001:db8:5:7:aaaa::1", "2001:db8:5:7::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("unix", "unix", False),
        ("", "", False),
    ],
)
def test_what_names_a_network(address: str, named: str, is_local: bool) -> None:
    assert network_of(address) == (named, is_local)
