"""A composition before it is sent: who, which approved pieces in which order, what was filled in; and its check."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.content import queries as content
from portal.content.queries import ModuleInForce, SiteRecord
from portal.db import is_id, new_id
from portal.hcp import queries as hcps
from portal.hcp.profiles import HcpCard
from portal.mailing.blockers import mail_settings
from portal.mailing.composing import Parts
from portal.mailing.drafts import module_targets
from portal.mailing.fields import RESTRICTED, faults_of, tidy
from portal.mailing.models import Mailing, MailPieceVersion
from portal.mailing.placeholders import FRAGMENTS, places
from portal.mailing.queries import Piece, piece_in_force, pieces_by_id, pieces_in_force
from portal.mailing.refusals import CompositionRefused, Fault, PieceMissing
from portal.mailing.states import PieceKind

MOST_DOCTORS = 50


@dataclass(frozen=True, slots=True)
class Composition:
    """What a sender has put together so far."""

    id: str
    site: SiteRecord
    sender_id: str
    template: Piece
    cards: tuple[HcpCard, ...]
    fragments: tuple[Piece, ...]
    modules: tuple[ModuleInForce, ...]
    values: Mapping[str, str]
    created_at: datetime
    sent_at: datetime | None
    revoked_at: datetime | None

    @property
    def parts(self) -> Parts:
        """Return what a mail is put together from."""
        picked = tuple((module.key, module.title) for module in self.modules)
        return Parts(self.template, self.fragments, picked, self.values)


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be picked for a template: fragments and modules within its bounds, in force now."""

    fragments: tuple[Piece, ...]
    modules: tuple[ModuleInForce, ...]


def begin(db: Session, template_id: str, *, sender_id: str, hcp_ids: Sequence[str], at: datetime) -> str:
    """Begin a composition for doctors and return its id; raises PieceMissing for a template not in force."""
    template = piece_in_force(db, template_id, at)
    if template is None or template.kind is not PieceKind.TEMPLATE:
        raise PieceMissing("This template is not in force.")
    wanted = list(dict.fromkeys(hcp_ids))
    if not 1 <= len(wanted) <= MOST_DOCTORS:
        raise CompositionRefused([Fault("doctor", f"Choose between 1 and {MOST_DOCTORS} doctors.")])
    mailing = Mailing(
        id=new_id(),
        site_id=template.site_id,
        sender_id=sender_id,
        template_id=template.id,
        hcp_ids=wanted,
        fragments=[],
        modules=[],
        filled={},
        created_at=at,
    )
    db.add(mailing)
    db.flush()  # the page that follows names the row
    return mailing.id


def change(
    db: Session,
    mailing_id: str,
    *,
    fragments: Sequence[str],
    modules: Sequence[str],
    values: Mapping[str, str],
    by: Actor,
    at: datetime,
) -> list[Fault]:
    """Store what the sender picked and wrote, as far as it is known at all, and return what is wrong with it."""
    mailing = db.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing is None or mailing.sent_at is not None or mailing.sender_id != by.id:
        raise PieceMissing("There is no such composition.")
    before = composition(db, mailing_id, at)
    if before is None:
        raise PieceMissing("There is no such composition.")
    offered = offer(db, before.template, at)
    known_fragments, known_modules = {each.id for each in offered.fragments}, {each.key for each in offered.modules}
    mailing.fragments = [each for each in dict.fromkeys(fragments) if each in known_fragments]
    mailing.modules = [each for each in dict.fromkeys(modules) if each in known_modules]
    mailing.filled = {field.key: tidy(values.get(field.key, ""))[:2_000] for field in before.template.fields}
    db.flush()  # the check reads the row
    after = composition(db, mailing_id, at)
    return faults(db, after, at) if after is not None else []


def leave_out(db: Session, mailing_id: str, hcp_id: str, *, by: Actor) -> bool:
    """Take a doctor out of a composition; the last one stays. Returns False where nothing was taken out."""
    mailing = db.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing is None or mailing.sent_at is not None or mailing.sender_id != by.id:
        raise PieceMissing("There is no such composition.")
    left = [each for each in mailing.hcp_ids if each != hcp_id]
    if not left or len(left) == len(mailing.hcp_ids):
        return False
    mailing.hcp_ids = left
    db.flush()  # the page that follows reads the row
    return True


def faults(db: Session, composed: Composition, at: datetime) -> list[Fault]:
    """Return what is wrong with a composition, whoever it is for."""
    bounds, template = composed.template.bounds, composed.template
    found = faults_of(template.fields, composed.values, (*RESTRICTED, *mail_settings(composed.site).restricted))
    for name, count, fewest, most in (
        ("fragments", len(composed.fragments), bounds.fewest_fragments, bounds.most_fragments),
        ("modules", len(composed.modules), bounds.fewest_modules, bounds.most_modules),
    ):
        if not fewest <= count <= most:
            wanted = f"exactly {most}" if fewest == most else f"between {fewest} and {most}"
            found.append(Fault(name, f"Pick {wanted} {name}; {count} are picked."))
    offered = offer(db, template, at)
    gone = {each.id for each in composed.fragments} - {each.id for each in offered.fragments}
    if gone:
        found.append(Fault("fragments", "A picked fragment is not in force any more."))
    in_force = {module.key for module in content.modules_in_force(db, composed.site.id, at)}
    lost = sorted(linked_modules(db, [template.id, *(each.id for each in composed.fragments)]) - in_force)
    if lost:
        found.append(Fault("fragments", f"The mail links to {', '.join(lost)}, which is not in force."))
    return found


def offer(db: Session, template: Piece, at: datetime) -> Offer:
    """Return what may be picked for a template."""
    # A fragment without a place for it would be picked and never be in the mail.
    has_place = any(place.name == FRAGMENTS for place in places(template.html))
    fragments = pieces_in_force(db, template.site_id, PieceKind.FRAGMENT, at) if has_place else []
    modules = content.modules_in_force(db, template.site_id, at)
    return Offer(
        tuple(piece for piece in fragments if template.bounds.admits_fragment(piece.key)),
        tuple(module for module in modules if template.bounds.admits_module(module.key)),
    )


def composition(db: Session, mailing_id: str, at: datetime) -> Composition | None:
    """Return a composition with its pieces; modules that are not in force any more are left out."""
    row = db.get(Mailing, mailing_id) if is_id(mailing_id) else None
    site = content.site_by_id(db, row.site_id) if row is not None else None
    if row is None or site is None:
        return None
    pieces = pieces_by_id(db, [row.template_id, *row.fragments])
    modules = {module.key: module for module in content.modules_in_force(db, row.site_id, at)}
    cards = hcps.cards_of(db, row.hcp_ids)
    return Composition(
        id=row.id,
        site=site,
        sender_id=row.sender_id,
        template=pieces[row.template_id],
        cards=tuple(cards[each] for each in row.hcp_ids if each in cards),
        fragments=tuple(pieces[each] for each in row.fragments if each in pieces),
        modules=tuple(modules[each] for each in row.modules if each in modules),
        values=row.filled,
        created_at=row.created_at,
        sent_at=row.sent_at,
        revoked_at=row.revoked_at,
    )


def linked_modules(db: Session, version_ids: Collection[str]) -> set[str]:
    """Return the keys of the modules that versions of pieces link to."""
    bodies = db.scalars(select(MailPieceVersion.body).where(MailPieceVersion.id.in_(set(version_ids))))
    return set().union(*(module_targets(body) for body in bodies))
