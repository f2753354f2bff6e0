"""A visit and a staff session never mix: signing in ends the visit, and the browser is a doctor's no more."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from portal import clock
from portal.access import actions as access
from portal.access import queries
from portal.access.evidence import Confidence
from portal.audit import Actor
from portal.content.models import Site
from portal.db import Database, new_id
from portal.hcp.actions import create_hcp
from portal.hcp.profiles import Profile
from tests.client import HouseClient
from tests.people import Staff

SignIn = Callable[[HouseClient, str], Staff]


def open_visit(app: Flask, device: str | None = None) -> access.OpenedVisit:
    """Open a visit of a new doctor with a new link."""
    database: Database = app.extensions["portal.database"]
    tokens, at, by = app.extensions["portal.tokens"], clock.now(), Actor.system("tests")
    with database.writing() as db:
        site = Site(
            id=new_id(), key=new_id(), brand="B", generic="b", market="US", language="en", settings={}, created_at=at
        )
        db.add(site)
        hcp = create_hcp(db, new_id(), profile=Profile(last_name="Meier"), by=by, at=at)
        link_id = access.issue_link(db, hcp, site.id, sender_id=None, expires_at=at + timedelta(days=1), by=by, at=at)
        link = queries.live_link(db, tokens, tokens.for_id("link", link_id), at=at)
        return access.open_visit(
            db,
            link,
            nonce=tokens.read_door_nonce(tokens.door_nonce(link_id, at=at)),
            device_secret=device,
            marks=frozenset(),
            address_hash="",
            is_staff=False,
            lasts=timedelta(hours=1),
            at=at,
        )


def test_signing_in_ends_the_visit_of_this_browser(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    opened = open_visit(app)
    client.raw.set_cookie("visit", opened.secret, domain="127.0.0.1")
    sign_in(client, "rep")
    assert client.raw.get_cookie("visit", domain="127.0.0.1") is None
    with app.extensions["portal.database"].reading() as db:
        assert queries.current_visit(db, opened.secret, at=clock.now()) is None


def test_a_device_on_which_staff_signed_in_is_never_a_doctors_again(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    before = open_visit(app)
    assert before.confidence is Confidence.DEVICE
    client.raw.set_cookie("device", before.device_secret or "", domain="127.0.0.1")
    sign_in(client, "rep")
    client.submit("/staff/sessions", "/staff/sign-out")
    cookie = client.raw.get_cookie("device", domain="127.0.0.1")
    assert cookie is not None
    assert open_visit(app, cookie.value).confidence is Confidence.UNKNOWN


def test_a_made_up_device_cookie_is_replaced_by_one_that_is_known(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    client.raw.set_cookie("device", "made-up", domain="127.0.0.1")
    sign_in(client, "rep")
    cookie = client.raw.get_cookie("device", domain="127.0.0.1")
    assert cookie is not None
    assert cookie.value != "made-up"
    assert open_visit(app, cookie.value).confidence is Confidence.UNKNOWN
