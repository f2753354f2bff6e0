"""A doctor of the demo at their page, through HTTP as a browser does it."""

import re
from datetime import timedelta
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock
from portal.access.actions import issue_link
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.content import actions as content
from portal.content.models import Module, ModuleVersion
from portal.content.queries import site_by_key
from portal.db import Base, new_id
from portal.hcp.actions import record_consent
from portal.hcp.queries import hcp_by_ref
from portal.microsite.fragments import renderer
from portal.microsite.press import Press
from portal.rulebook import actions as rulebook
from portal.rulebook import releases
from portal.web.assets import static_url
from tests.access.test_door import press
from tests.client import HouseClient
from tests.tracking.timelines import Timeline, raw

SITE = "atorvastatin-us-en"
BY = Actor.system("tests")
_CREDENTIAL = re.compile(r'data-view="([^"]+)"')


class Doctor:
    """A doctor who opened a fresh link of theirs."""

    def __init__(self, app: Flask, ref: str = "H-1001", modules: tuple[str, ...] = ()) -> None:
        self.app = app
        self.database = app.extensions["portal.database"]
        with self.database.writing() as db:
            card, site = hcp_by_ref(db, ref), site_by_key(db, SITE)
            assert card is not None
            assert site is not None
            self.id, self.site_id = card.id, site.id
            at = clock.now()
            until = at + timedelta(days=30)
            self.link_id = issue_link(
                db, card.id, site.id, sender_id=None, expires_at=until, modules=modules, by=BY, at=at
            )
        token = app.extensions["portal.tokens"].for_id(Purpose.LINK, self.link_id)
        self.path = f"/v/{token}"
        self.client = HouseClient(app)
        assert press(self.client, self.path).status_code == 303

    def get(self, path: str = "/m/") -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def order(self) -> list[str]:
        return re.findall(r'<h2 class="module-title"><a href="/m/([^"]+)"', self.get())

    def choose(self, deed: str, key: str, *, on: str = "/m/") -> TestResponse:
        """Press a button of a card, as the page's own form sends it."""
        html = self.get(on)
        view = re.search(r'name="view" value="([^"]*)"', html)
        back = re.search(r'name="back" value="([^"]*)"', html)
        assert view
        assert back
        sent = {"view": view[1], "back": back[1], "choice": f"{deed}:{key}"}
        answer = self.client.post("/m/choices", data=sent)
        assert answer.status_code == 303
        return answer

    def read(self, page: str, ms: int = 8000) -> None:
        """Read a module with a hand on the device; the server's clock goes on as long."""
        html = self.get(f"/m/{page}")
        credential = _CREDENTIAL.search(html)
        if credential is None:
            return
        section = re.search(rf'data-section="({page}(?:#[^"]+)?)"', html)
        assert section
        line = Timeline()
        for _ in range(max(1, ms // 1000)):
            line.live("read", 1000, section[1])
        body = raw(line.message() | {"c": credential[1]})
        with time_machine.travel(clock.now() + timedelta(milliseconds=ms), tick=True):
            answer = self.client.post("/b", data=body, headers={"Content-Type": "text/plain"})
        assert answer.status_code == 204, answer.status_code

    def decide(self, **decisions: str) -> None:
        """Record consents, such as `profiling="refused"`."""
        with self.database.writing() as db:
            for purpose, decision in decisions.items():
                record_consent(db, self.id, self.site_id, purpose, decision, "tests", "said so", by=BY, at=clock.now())

    def again(self) -> "Doctor":
        """Open the same link once more on the same device: a further visit."""
        assert press(self.client, self.path).status_code == 303
        return self

    def rows(self, statement: Any) -> list[Any]:
        with self.database.reading() as db:
            return list(db.execute(statement).all())


def bare(html: str) -> str:
    """A page without the credential of its view."""
    html = _CREDENTIAL.sub('data-view=""', html)
    return re.sub(r'name="view" value="[^"]*"', 'name="view" value=""', html)


def held(doctor: Doctor, text: str, *, but: tuple[str, ...] = ()) -> set[str]:
    """The tables of which a row holds `text`, `but` left out."""
    found = set()
    with doctor.database.reading() as db:
        for table in Base.metadata.sorted_tables:
            if table.name not in but and any(text in str(value) for row in db.execute(select(table)) for value in row):
                found.add(table.name)
    return found


def versions_of(doctor: Doctor, key: str) -> list[str]:
    """The ids of a module's versions, oldest first."""
    wanted = (Module.key == key, Module.site_id == doctor.site_id)
    query = select(ModuleVersion.id).join(Module, Module.id == ModuleVersion.module_id)
    return [row[0] for row in doctor.rows(query.where(*wanted).order_by(ModuleVersion.number))]


def publish(doctor: Doctor, key: str, *, hours: int = 24 * 365) -> str:
    """Approve the next version of a module for some hours, by two people, and return its id."""
    author, reviewer = Actor.staff(new_id()), Actor.staff(new_id())
    newest = versions_of(doctor, key)[-1]
    with doctor.database.writing() as db:
        at = clock.now()
        old = db.get_one(ModuleVersion, newest)
        said = content.ModuleContent(
            title=old.title + " (new)",
            summary=old.summary,
            body=old.body,
            topics=tuple(old.topics),
            position=old.position,
        )
        made = content.draft(db, old.module_id, said, by=author, at=at)
        content.submit(db, made, by=author, at=at)
        content.approve(
            db,
            made,
            approval_code=f"T-{made[:8]}",
            render=renderer(Press(static_url)),
            in_force_until=at + timedelta(hours=hours),
            by=reviewer,
            at=at,
        )
    return made


def withdraw(doctor: Doctor, version_id: str) -> None:
    """Take a version out of service."""
    with doctor.database.writing() as db:
        content.withdraw(db, version_id, reason="a new warning", by=Actor.staff(new_id()), at=clock.now())


def go_live(doctor: Doctor, rule: dict[str, Any]) -> None:
    """Release a rule set of one rule for the doctor's site, written by one person and approved by another."""
    author, reviewer = Actor.staff(new_id()), Actor.staff(new_id())
    with doctor.database.writing() as db:
        at = clock.now()
        draft = rulebook.draft_from(db, doctor.site_id, by=author, at=at)
        body = {"id": SITE, "version": 2, "site": SITE, "rules": [rule]}
        rulebook.edit_draft(db, draft, body=body, note="one rule", by=author, at=at)
        rulebook.submit(db, draft, note="one rule", by=author, at=at)
        rulebook.approve(db, draft, note="ok", by=reviewer, at=at)
        releases.go_live(db, draft, by=reviewer, at=at)
