"""What scanners find: mails whose links have just been handed over; and what they must not leave behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.access.actions import issue_link
from portal.access.evidence import is_confirmed
from portal.access.models import Device, Link, Visit
from portal.access.tokens import Purpose, TokenBox
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.db import Database, new_id
from portal.hcp.models import Consent, Hcp
from portal.mailing.models import Sending, Unsubscribe

BY = Actor.system("tests")
SITE = "atorvastatin-us-en"


@dataclass(frozen=True)
class Mail:
    """One mail to one doctor: the paths of its links and of its unsubscribe link."""

    sending_id: str
    paths: tuple[str, ...]
    unsubscribe: str


@dataclass
class Found:
    """What a scanner of one kind left behind over all its links."""

    kind: str
    links: int = 0
    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    cookies: int = 0
    visits: int = 0
    confirmed: int = 0
    highest_grade: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    consents: int = 0
    unsubscribes: int = 0
    devices: int = 0
    people: int = 0  # who opened the link afterwards
    known: int = 0  # of them, taken for the doctor

    def answered(self, status: int, *, sets_cookie: bool) -> None:
        """Note one answer."""
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.cookies += sets_cookie

    @property
    def errors(self) -> int:
        """How many answers were 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def row(self) -> str:
        """One line of the table."""
        marks = ", ".join(f"{name} {count}" for name, count in sorted(self.marks.items())) or "-"
        return (
            f"| {self.kind} | {self.links} | {self.requests} | {self.confirmed} | {self.visits} | {self.consents} "
            f"| {self.unsubscribes} | {self.errors} | {self.known}/{self.people} | {marks} |"
        )


HEAD = (
    "| kind | links | requests | confirmed | visits | consents | unsubscribes | 5xx | person after | marks |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def hand_over(
    database: Database, tokens: TokenBox, count: int, *, links: int = 1, days: int = 60, at: datetime
) -> list[Mail]:
    """Mails to `count` new doctors with `links` links each, handed over to the mail server at `at`."""
    mails = []
    with database.writing() as db:
        site = site_by_key(db, SITE)
        assert site is not None
        for _ in range(count):
            hcp_id, sending_id = new_id(), new_id()
            name = hcp_id[:8]
            db.add(
                Hcp(
                    id=hcp_id,
                    ref=f"S-{name}",
                    first_name="Sam",
                    last_name="Scan",
                    email=f"{name}@x.example",
                    created_at=at,
                )
            )
            db.flush()
            db.add(_sending(sending_id, hcp_id, site.id, f"{name}@x.example", at))
            db.flush()
            paths = tuple(_link(db, tokens, hcp_id, site.id, sending_id, days, at) for _ in range(links))
            mails.append(Mail(sending_id, paths, f"/u/{tokens.for_id(Purpose.UNSUBSCRIBE, sending_id)}"))
    return mails


@contextmanager
def watched(database: Database, found: Found) -> Iterator[None]:
    """Count what is in the database after a storm and was not before."""
    with database.reading() as db:
        before = {table: _count(db, table) for table in (Consent, Unsubscribe, Device)}
        known = set(db.scalars(select(Visit.id)))
    yield
    with database.reading() as db:
        found.consents = _count(db, Consent) - before[Consent]
        found.unsubscribes = _count(db, Unsubscribe) - before[Unsubscribe]
        found.devices = _count(db, Device) - before[Device]
        for visit in db.scalars(select(Visit)):
            if visit.id in known:
                continue
            found.visits += 1
            found.confirmed += is_confirmed(visit.grade, visit.marks)
            found.highest_grade = max(found.highest_grade, visit.grade)
            for mark in visit.marks:
                found.marks[mark] = found.marks.get(mark, 0) + 1


def confidences(database: Database, path: str, tokens: TokenBox) -> list[str]:
    """The confidence of every visit of a link, oldest first."""
    link_id = tokens.read_id(Purpose.LINK, path.rpartition("/")[2])
    with database.reading() as db:
        return list(db.scalars(select(Visit.confidence).where(Visit.link_id == link_id).order_by(Visit.opened_at)))


def _count(db: Session, table: type) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


def _link(db: Session, tokens: TokenBox, hcp_id: str, site_id: str, sending_id: str, days: int, at: datetime) -> str:
    link_id = issue_link(
        db,
        hcp_id,
        site_id,
        sender_id=None,
        expires_at=at + timedelta(days=days),
        channel="mail",
        sending_id=sending_id,
        by=BY,
        at=at,
    )
    db.get_one(Link, link_id).handed_over_at = at
    return "/v/" + tokens.for_id(Purpose.LINK, link_id)


def _sending(sending_id: str, hcp_id: str, site_id: str, address: str, at: datetime) -> Sending:
    return Sending(
        id=sending_id,
        kind="approved",
        site_id=site_id,
        hcp_id=hcp_id,
        fragments=[],
        modules=[],
        to_address=address,
        from_name="Portal",
        sha256="0" * 64,
        message_id=f"<{sending_id}@portal.example>",
        state="accepted",
        composed_at=at,
        due_at=at,
        handed_over_at=at,
    )
