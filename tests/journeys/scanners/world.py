"""What scanners find: mails whose links have just been handed over; and what they must not leave behind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.access.actions import issue_link
from portal.access.evidence import is_confirmed
from portal.access.models import Link, LinkActivity, Visit
from portal.access.tokens import Purpose, TokenBox
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.db import Database, new_id
from portal.hcp.models import Consent, DeclaredInterest, Hcp
from portal.mailing.models import MailPreference, Sending, Unsubscribe

BY = Actor.system("tests")
SITE = "atorvastatin-us-en"


@dataclass(frozen=True)
class Mail:
    """One mail to one doctor: the paths of its links, of its unsubscribe link and of its preference page."""

    sending_id: str
    hcp_id: str
    paths: tuple[str, ...]
    unsubscribe: str
    preferences: str


@dataclass
class Found:
    """What a scanner of one kind did and left behind over all its links."""

    kind: str
    way: str
    links: int = 0
    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    cookies: int = 0
    faults: list[str] = field(default_factory=list)  # errors of scripts, breaches of the policy, foreign addresses
    touches: dict[str, int] = field(default_factory=dict)  # by the marks that the access record gave them
    touched_grade: int = 0  # the highest of the access record
    visits: int = 0
    confirmed: int = 0
    grade: int = 0  # the highest of a visit
    marks: dict[str, int] = field(default_factory=dict)
    consents: int = 0  # interests and preferences too
    unsubscribes: int = 0
    people: int = 0  # who opened the link afterwards
    let_in: int = 0  # of them, shown their page
    known: int = 0  # of them, taken for the doctor
    proved: int = 0  # of the others, known after the code from their mailbox

    def answered(self, status: int, *, sets_cookie: bool) -> None:
        """Note one answer."""
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.cookies += sets_cookie

    @property
    def errors(self) -> int:
        """How many answers were 5xx, and what else went wrong."""
        return sum(count for status, count in self.statuses.items() if status >= 500) + len(self.faults)

    def row(self) -> str:
        """One line of the table."""
        marks = ", ".join(f"{name} {count}" for name, count in sorted(self.marks.items())) or "–"
        after = f"{self.known}/{self.people}" + (f", {self.proved} by code" if self.proved else "")
        grade = max(self.grade, self.touched_grade)
        return (
            f"| {self.kind} | {self.way} | {self.links} | {self.requests:,} | {grade} | {self.confirmed} "
            f"| {self.visits} | {self.consents} | {self.unsubscribes} | {self.errors} | {after} | {marks} |"
        )


HEAD = (
    "| scanner | by | links | fetches | grade | confirmed | visits | consents | unsubscribes | errors "
    "| person after | marks of the visits |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"
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
            db.add(sending_of(sending_id, hcp_id, site.id, f"{name}@x.example", at))
            db.flush()
            paths = tuple(_link(db, tokens, hcp_id, site.id, sending_id, days, at) for _ in range(links))
            out, prefer = (tokens.for_id(each, sending_id) for each in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES))
            mails.append(Mail(sending_id, hcp_id, paths, f"/u/{out}", f"/p/{prefer}"))
    return mails


def count_left(database: Database, found: Found, mails: Sequence[Mail]) -> None:
    """Count what stands in the database about some mails that nobody but scanners has seen."""
    doctors, sent = [mail.hcp_id for mail in mails], [mail.sending_id for mail in mails]
    with database.reading() as db:
        found.consents = sum(_count(db, table.hcp_id, doctors) for table in (Consent, DeclaredInterest, MailPreference))
        found.unsubscribes = _count(db, Unsubscribe.sending_id, sent)
        touches = select(LinkActivity).join(Link, Link.id == LinkActivity.link_id).where(Link.hcp_id.in_(doctors))
        for touch in db.scalars(touches):
            found.touched_grade = max(found.touched_grade, touch.grade)
            for mark in touch.marks or ["none"]:
                found.touches[mark] = found.touches.get(mark, 0) + 1
        for visit in db.scalars(select(Visit).where(Visit.hcp_id.in_(doctors))):
            found.visits += 1
            found.confirmed += is_confirmed(visit.grade, visit.marks)
            found.grade = max(found.grade, visit.grade)
            for mark in visit.marks:
                found.marks[mark] = found.marks.get(mark, 0) + 1


def touches(database: Database, mails: Sequence[Mail]) -> int:
    """How often the links of some mails were touched."""
    with database.reading() as db:
        links = select(Link.id).where(Link.hcp_id.in_([mail.hcp_id for mail in mails]))
        return db.scalar(select(func.count()).where(LinkActivity.link_id.in_(links))) or 0


def hand_over_now(database: Database, mail: Mail, *, at: datetime) -> None:
    """Let a mail be handed over to the mail server at `at`."""
    with database.writing() as db:
        db.execute(update(Link).where(Link.sending_id == mail.sending_id).values(handed_over_at=at))


def let_minutes_pass(database: Database, mails: Sequence[Mail], *, minutes: int) -> None:
    """Let some mails have been handed over earlier, instead of waiting."""
    moment = timedelta(minutes=minutes)
    with database.writing() as db:
        for link in db.scalars(select(Link).where(Link.hcp_id.in_([mail.hcp_id for mail in mails]))):
            if link.handed_over_at is not None:
                db.execute(update(Link).where(Link.id == link.id).values(handed_over_at=link.handed_over_at - moment))


def confidences(database: Database, path: str, tokens: TokenBox) -> list[str]:
    """The confidence of every visit of a link, oldest first."""
    link_id = tokens.read_id(Purpose.LINK, path.rpartition("/")[2])
    with database.reading() as db:
        return list(db.scalars(select(Visit.confidence).where(Visit.link_id == link_id).order_by(Visit.opened_at)))


def _count(db: Session, column: InstrumentedAttribute[str], values: Sequence[str]) -> int:
    return db.scalar(select(func.count()).where(column.in_(values))) or 0


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


def sending_of(sending_id: str, hcp_id: str, site_id: str, address: str, at: datetime) -> Sending:
    """A mail that the mail server took at `at`."""
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
