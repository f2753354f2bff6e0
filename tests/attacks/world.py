"""A demo with one of everything that an address can name: own, another's, and none."""

import io
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import clock
from portal.access import presets
from portal.access.actions import issue_link
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.content import history
from portal.content.queries import site_by_key
from portal.db import Database, new_id
from portal.hcp.actions import create_hcp
from portal.hcp.profiles import Profile
from portal.hcp.queries import hcp_by_ref
from portal.mailing import mailings, sendings, unsubscribing
from portal.mailing.models import MailPieceVersion, Sending
from portal.mailing.queries import pieces_in_force
from portal.mailing.sendings import Sender, Terms
from portal.mailing.states import PieceKind
from portal.microsite.mail_links import MailLinks
from portal.microsite.models import StoredArrangement
from portal.rulebook.models import StoredRuleSet
from portal.staff.actions import create_user, disable
from portal.staff.demo_logins import DEMO_PHRASE
from portal.staff.models import StaffSession
from portal.staff.queries import ids_by_email
from portal.staff.roles import Role
from tests.client import HouseClient

SITE = "atorvastatin-us-en"
SYSTEM = Actor.system("tests")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
NOBODY = "0" * 32

STAFF = {
    "rep": "rep@portal.example",
    "other rep": "rep2@portal.example",
    "manager": "manager@portal.example",
    "marketer": "marketer@portal.example",
    "reviewer": "reviewer@portal.example",
    "compliance": "compliance@portal.example",
    "admin": "admin@portal.example",
}
ACTORS = ("anonymous", "doctor", "other doctor", *STAFF, "disabled")


@dataclass
class World:
    """The application, the ids of what is in it, and who can be sent against it."""

    app: Flask
    ids: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    doctors: dict[str, HouseClient] = field(default_factory=dict)  # first devices

    @property
    def database(self) -> Database:
        """The database of the application."""
        found = self.app.extensions["portal.database"]
        assert isinstance(found, Database)
        return found

    def actor(self, name: str) -> HouseClient:
        """A browser of one of `ACTORS`, signed in or in a visit as the name says."""
        if name in self.doctors:
            return self.doctors[name]
        client = HouseClient(self.app)
        if name in STAFF:
            sign_in(client, STAFF[name])
        elif name == "disabled":
            sign_in(client, "gone@portal.example")
            with self.database.writing() as db:
                disable(db, self.users["gone"], reason="left", by=SYSTEM, at=clock.now())
        return client

    def session_of(self, email: str) -> str:
        """The id of a second session of a member of staff."""
        sign_in(HouseClient(self.app), email)
        with self.database.reading() as db:
            user_id = ids_by_email(db)[email]
            newest = select(StaffSession.id).where(StaffSession.user_id == user_id)
            return db.scalars(newest.order_by(StaffSession.created_at.desc(), StaffSession.id)).all()[0]


def sign_in(client: HouseClient, email: str) -> None:
    """Sign a demo account in."""
    answer = client.post("/staff/sign-in", data={"email": email, "password": DEMO_PHRASE})
    assert answer.status_code == 303, answer.text


def press(client: HouseClient, path: str) -> TestResponse:
    """Open a door page and press its button by gesture."""
    page = client.get(path, headers={"User-Agent": CHROME})
    nonce = re.search(r'name="nonce" value="([a-z2-7]+)"', page.text)
    assert nonce, page.text
    data = {"nonce": nonce[1], "tracking": "identified"}
    answer = client.post(path, data=data, headers={"User-Agent": CHROME, "Sec-Fetch-User": "?1"})
    assert answer.status_code == 303, answer.text
    return answer


def token_of(client: HouseClient) -> str:
    """The form token of a signed-in browser, empty for others."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get("/staff/sessions").text)
    return found[1] if found else ""


def build(app: Flask) -> World:
    """Put one of everything into the demo of `app`."""
    world = World(app)
    at = clock.now()
    with world.database.writing() as db:
        world.users = dict(ids_by_email(db))
        gone = create_user(
            db,
            email="gone@portal.example",
            name="Gone",
            password=DEMO_PHRASE,
            roles=[Role.REP, Role.MARKETER, Role.ADMIN],
            by=SYSTEM,
            at=at,
        )
        spare = create_user(
            db, email="spare@portal.example", name="Spare", password=DEMO_PHRASE, roles=[Role.REP], by=SYSTEM, at=at
        )
        world.users |= {"gone": gone, "spare": spare}
        site = site_by_key(db, SITE)
        assert site is not None
        own, foreign = hcp_by_ref(db, "H-1001"), hcp_by_ref(db, "H-2001")
        assert own is not None
        assert foreign is not None
        unassigned = create_hcp(db, "H-9999", profile=Profile(first_name="No", last_name="One"), by=SYSTEM, at=at)
        world.ids = {"own hcp": own.id, "foreign hcp": foreign.id, "unassigned hcp": unassigned, "user": spare}
        world.ids["site"] = site.id
        world.ids["preset"] = presets.offered(db, site.id)[0].id
        for who, card, sender in (("doctor", own, "rep"), ("other doctor", foreign, "other rep")):
            link_id = issue_link(
                db,
                card.id,
                site.id,
                sender_id=world.users[STAFF[sender]],
                expires_at=at + timedelta(days=20),
                by=SYSTEM,
                at=at,
            )
            world.ids[f"{who}'s link"] = link_id
            world.ids[f"{who}'s token"] = app.extensions["portal.tokens"].for_id(Purpose.LINK, link_id)
            _mail(world, db, who, card.id, world.users[STAFF[sender]], at)
        spare_link = issue_link(
            db, unassigned, site.id, sender_id=None, expires_at=at + timedelta(days=20), by=SYSTEM, at=at
        )
        world.ids["spare token"] = app.extensions["portal.tokens"].for_id(Purpose.LINK, spare_link)
        rows = history.shelf(db, site.id, at)
        world.ids["content version"] = next(row.version_id for row in rows if row.subject == "module")
        world.ids["calculator version"] = next(row.version_id for row in rows if row.key.startswith("calc-"))
        world.ids["mail version"] = db.scalars(select(MailPieceVersion.id).order_by(MailPieceVersion.id)).all()[0]
        live = db.scalars(select(StoredRuleSet)).all()[0]
        world.ids["rule set"] = live.id
    _serve(world)
    _draft(world)
    keep_file(world)
    with world.database.reading() as db:
        world.ids["rule"] = _first_rule(world)
        event = db.scalars(select(AuditEvent.id).where(AuditEvent.name == "user.created").limit(1)).all()
        world.ids["event"] = event[0]
    return world


def _mail(world: World, db: Session, who: str, hcp_id: str, sender_id: str, at: datetime) -> None:
    template = pieces_in_force(db, world.ids["site"], PieceKind.TEMPLATE, at)[0]
    for state in ("composed", "sent"):
        mailing_id = mailings.begin(db, template.id, sender_id=sender_id, hcp_ids=[hcp_id], at=at)
        world.ids[f"{who}'s {state} mailing"] = mailing_id
    known = {piece.key: piece.id for piece in pieces_in_force(db, world.ids["site"], PieceKind.FRAGMENT, at)}
    values = {"occasion": "As you asked,", "note": ""}
    by = Actor.staff(sender_id)
    mailings.change(db, mailing_id, fragments=[known["dosing"]], modules=["warnings"], values=values, by=by, at=at)
    tokens = world.app.extensions["portal.tokens"]
    sendings.send(
        db,
        mailing_id,
        sender=Sender(sender_id, "Anna Keller", "rep@portal.example"),
        links=MailLinks(tokens, "http://127.0.0.1:8000"),
        terms=Terms("portal@portal.example", 30),
        not_before=None,
        by=SYSTEM,
        at=at,
    )
    sending_id = db.scalars(select(Sending.id).where(Sending.mailing_id == mailing_id)).all()[0]
    world.ids[f"{who}'s sending"] = sending_id
    opt_in_id = new_id()
    unsubscribing.ask(db, hcp_id, world.ids["site"], sending_id=sending_id, opt_in_id=opt_in_id, by=SYSTEM, at=at)
    world.ids[f"{who}'s opt-in token"] = tokens.for_id(Purpose.OPT_IN, opt_in_id)
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        world.ids[f"{who}'s {purpose} token"] = tokens.for_id(purpose, sending_id)


def _serve(world: World) -> None:
    for who in ("doctor", "other doctor"):
        client = HouseClient(world.app)
        press(client, "/v/" + world.ids[f"{who}'s token"])
        world.doctors[who] = client
        assert client.get("/m/").status_code == 200
        with world.database.reading() as db:
            newest = select(StoredArrangement.id).order_by(StoredArrangement.at.desc())
            world.ids[f"{who}'s page"] = db.scalars(newest).all()[0]


def _draft(world: World) -> None:
    client = world.actor("marketer")
    answer = client.submit("/staff/rules/", "/staff/rules/drafts/", {"site": SITE})
    world.ids["draft"] = answer.headers["Location"].rsplit("/", 1)[1]


def _first_rule(world: World) -> str:
    page = world.actor("marketer").get(f"/staff/rules/drafts/{world.ids['draft']}").text
    found = re.search(rf"/staff/rules/drafts/{world.ids['draft']}/rules/([a-z0-9-]+)\"", page.replace("/rules/new", ""))
    assert found, page
    return found[1]


def keep_file(world: World) -> None:
    """Let a file of doctors wait for its confirmation."""
    rows = b"ref,first_name,last_name,email\nH-7001,Ada,Lind,ada.lind@clinic.example\n"
    client = world.actor("admin")
    data = {"file": (io.BytesIO(rows), "doctors.csv"), "csrf_token": token_of(client)}
    answer = client.post("/staff/import", data=data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    world.ids["kept file"] = answer.headers["Location"].rsplit("/", 1)[1]
