"""A small world: one site with three modules, doctors with links, and people who open them."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy.orm import Session

from portal import clock
from portal.access import actions as access
from portal.access.evidence import Grade, Mark
from portal.access.models import Visit
from portal.access.states import LiveLink
from portal.access.tokens import TokenBox
from portal.audit import Actor
from portal.content.models import Block, BlockVersion, Module, ModuleVersion, Site, Topic
from portal.content.queries import store_fragment
from portal.db import Database, new_id
from portal.hcp import actions as hcp
from portal.hcp.profiles import Profile
from portal.microsite.models import StoredArrangement
from portal.personalize import Arrangement, Item, Mode
from portal.personalize.codec import arrangement_to_json, rule_set_to_json
from portal.personalize.rules import RuleSet
from portal.rulebook.models import StoredRuleSet
from portal.tracking.actions import open_view, take_beat
from portal.tracking.credential import Mint

KEYS = ("test-key-" + "k" * 32,)
BY = Actor.system("tests")
_TOKENS = TokenBox(KEYS)
_MINT = Mint(KEYS)
MODULES = {
    "dosing": ("Dosing", ["dosing"]),
    "warnings": ("Warnings", ["safety"]),
    "renal": ("Renal", ["dosing", "safety"]),
}


@dataclass
class World:
    """Ids of what stands; `at` is the moment of the story, moved on by the tests."""

    database: Database
    at: datetime
    site_id: str = ""
    rule_set_id: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def doctor(
        self,
        ref: str,
        *,
        last: str = "Meyer",
        rep: str | None = None,
        tracking: str | None = "identified",
        profiling: str = "given",
    ) -> str:
        """Add a doctor, what they agreed to, and who looks after them."""
        with self.database.writing() as db:
            hcp.ensure_territory(db, "NE", name="North-East")
            profile = Profile(first_name="Karla", last_name=last, specialty="cardiology", territory="NE")
            hcp_id = hcp.create_hcp(db, ref, profile=profile, by=BY, at=self.at)
            if rep is not None:
                hcp.assign(db, hcp_id, user_id=rep, by=BY, at=self.at)
            if tracking is not None:
                self.decide(db, hcp_id, "tracking", tracking)
                self.decide(db, hcp_id, "profiling", profiling)
        return hcp_id

    def decide(self, db: Session, hcp_id: str, purpose: str, decision: str) -> None:
        """Write down a decision of a doctor."""
        hcp.record_consent(
            db, hcp_id, self.site_id, purpose, decision, "paper form", "I agree", by=Actor.hcp(hcp_id), at=self.at
        )

    def link(self, hcp_id: str, *, sender: str | None = None) -> str:
        """Issue a link for 30 days."""
        with self.database.writing() as db:
            return access.issue_link(
                db,
                hcp_id,
                self.site_id,
                sender_id=sender,
                expires_at=self.at + timedelta(days=30),
                by=BY,
                at=self.at,
            )

    def visit(
        self,
        hcp_id: str,
        link_id: str,
        *,
        device: str | None = None,
        grade: Grade = Grade.ENGAGED,
        marks: frozenset[Mark] = frozenset(),
        is_staff: bool = False,
        address: str = "a" * 64,
    ) -> tuple[str, str | None]:
        """Press the button of a link and return the visit with the secret of a fresh device."""
        with self.database.writing() as db:
            live = LiveLink(link_id, hcp_id, self.site_id, None, None, None, None, self.at + timedelta(days=30))
            nonce = _TOKENS.read_door_nonce(_TOKENS.door_nonce(link_id, at=self.at))
            opened = access.open_visit(
                db,
                live,
                nonce=nonce,
                device_secret=device,
                marks=marks,
                address_hash=address,
                is_staff=is_staff,
                lasts=timedelta(hours=12),
                at=self.at,
            )
            access.raise_grade(db, opened.id, grade)
        return opened.id, opened.device_secret

    def read(
        self,
        hcp_id: str,
        visit_id: str,
        page: str,
        ms: int | None,
        *,
        events: tuple[tuple[str, str, str | None], ...] = (),
        mode: str = "identified",
        touched: bool = True,
    ) -> str:
        """Show a page within a visit and read its one module for `ms`; None: no beat comes."""
        title, topics = MODULES.get(page, ("", []))
        version = self.versions.get(page, "")
        sections = [(page, page, version, tuple(topics), 100)] if title else []
        with self.database.writing() as db:
            view = open_view(
                db,
                hcp_id=hcp_id,
                visit_id=visit_id,
                site_id=self.site_id,
                page=page,
                arrangement_id=None,
                sections=sections,
                mode=mode,
                feeds_profile=True,
                at=self.at,
            )
        if ms is not None:
            credential = _MINT.credential(view.id, nonce=new_id()[:12], at=self.at)
            beat = dict.fromkeys(("o", "ret", "sil", "blur", "idle", "gap", "pend", "vid", "depth"), 0)
            beat |= {"v": 1, "n": 1, "t": ms, "w": 0, "vis": ms, "eng": ms, "in": int(touched)}
            told = [[number, *event, None] for number, event in enumerate(events, start=1)]
            sent = {
                "c": credential,
                **beat,
                "spans": [0, ms],
                "sec": {page: [ms, ms, 1, 1, 0]} if title else {},
                "ev": told,
            }
            with self.database.writing() as db:
                later = self.at + timedelta(milliseconds=ms + 100)
                answer = take_beat(db, json.dumps(sent).encode(), mint=_MINT, at=later)
                assert answer.status == 204, answer
        return view.id

    def page(
        self, hcp_id: str, visit_id: str, order: tuple[str, ...], *, html: str = "<p>As it was</p>", **columns: str
    ) -> str:
        """Store a served home page with its order and return the arrangement; `columns` are stored as given."""
        items = tuple(
            Item(key, self.versions[key], place, 0, (), f"Because of {key}", ("", ""))
            for place, key in enumerate(order, start=1)
        )
        with self.database.writing() as db:
            fragment = store_fragment(db, html, self.at)
            stored = {
                "id": new_id(),
                "at": self.at,
                "site_id": self.site_id,
                "visit_id": visit_id,
                "hcp_id": hcp_id,
                "page": "home",
                "mode": "personal",
                "rule_set_id": self.rule_set_id,
                "facts": "{}",
                "candidates": fragment,
                "decision": arrangement_to_json(Arrangement(Mode.PERSONAL, "s", 1, items, (), ())),
                "pieces": [{"f": fragment, "s": {}}],
                "page_sha256": hashlib.sha256(html.encode()).hexdigest(),
            }
            row = StoredArrangement(**(stored | columns))
            db.add(row)
        return row.id

    def count(self, name: str) -> int:
        """Return how many audit events bear a name."""
        from sqlalchemy import func, select

        from portal.audit.models import AuditEvent

        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.name == name)) or 0

    def forget_visits_of(self, hcp_id: str) -> None:
        """Lower every visit of a doctor to a bare gesture."""
        with self.database.writing() as db:
            for visit in db.query(Visit).filter(Visit.hcp_id == hcp_id):
                visit.grade = int(Grade.GESTURE)


def make_world(app: Flask) -> World:
    """Put up the site, its modules, its mandatory block and its rules."""
    world = World(app.extensions["portal.database"], clock.now() - timedelta(days=5))
    with world.database.writing() as db:
        world.site_id = new_id()
        db.add(
            Site(
                id=world.site_id,
                key="brand-us-en",
                brand="Brand",
                generic="generic",
                market="US",
                language="en",
                settings={"required_blocks": ["isi"]},
                created_at=world.at,
            )
        )
        db.flush()
        for place, (key, name) in enumerate((("dosing", "Dosing"), ("safety", "Safety"))):
            db.add(Topic(id=new_id(), site_id=world.site_id, key=key, name=name, position=place))
        for place, (key, (title, topics)) in enumerate(MODULES.items()):
            module = Module(id=new_id(), site_id=world.site_id, key=key, kind="article", created_at=world.at)
            db.add(module)
            db.flush()
            version = ModuleVersion(
                **_version(title, place, world.at),
                module_id=module.id,
                topics=topics,
                key_message="",
                audiences=[],
                calculator=None,
                calculator_version=None,
            )
            db.add(version)
            world.versions[key] = version.id
        block = Block(id=new_id(), site_id=world.site_id, key="isi", kind="isi", created_at=world.at)
        db.add(block)
        db.flush()
        db.add(BlockVersion(**_version("Important safety information", 0, world.at), block_id=block.id))
        world.rule_set_id = new_id()
        db.add(
            StoredRuleSet(
                id=world.rule_set_id,
                site_id=world.site_id,
                version=7,
                state="approved",
                origin="edit",
                body=rule_set_to_json(RuleSet(id=world.rule_set_id, version=7, site="brand-us-en")),
                note="",
                author_id="a" * 32,
                created_at=world.at,
                edited_by="a" * 32,
                edited_at=world.at,
                revision=1,
                live_from=world.at,
            )
        )
    return world


def _version(title: str, place: int, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "number": 1,
        "title": title,
        "summary": "",
        "body": "",
        "words": 100,
        "sections": [],
        "source": {},
        "approval_code": "X-1",
        "sha256": "0" * 64,
        "state": "approved",
        "author_id": "a" * 32,
        "created_at": at,
        "approved_at": at,
        "approved_by": "b" * 32,
        "in_force_from": at,
        "position": place,
        "card_hash": "0" * 64,
        "page_hash": "0" * 64,
    }
