"""A representative's day: my doctors, one doctor's timeline, and territories for managers."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor, record
from portal.audit.reading import ActivityExported, DoctorRead
from portal.hcp.profiles import HcpCard
from portal.reports import activity, brief, copies, doctors, frames, queries, scope, timeline, words
from portal.staff.queries import names_of
from portal.staff.roles import Permission, Role, may
from portal.web import formats, guards, house, identity

bp = Blueprint("rep", __name__, url_prefix="/staff/doctors")

_WEEKS = 8
_FEWEST_DOCTORS = 5
_PAGE = 50
_MOMENTS = 150
_Choice = TypeVar("_Choice", doctors.Show, doctors.Sort)


@bp.get("/")
@guards.staff(Permission.HCP_READ)
def home() -> ResponseReturnValue:
    """List the doctors a person looks after (a manager: all), what changed first."""
    db, person, at = house.db(), identity.person(), house.now()
    text = request.args.get("q", "").strip()[:100]
    show, sort = _one_of(doctors.Show, "show"), _one_of(doctors.Sort, "sort")
    everybody = scope.sees_everybody(person)
    cards = scope.doctors_for(db, person, at)
    rows = doctors.doctor_rows(db, cards, everybody=everybody, user_id=person.id, at=at)
    found = doctors.narrowed(rows, text=text, show=show, sort=sort, at=at)
    last = max(1, -(-len(found) // _PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), last)
    return render_template(
        "rep/home.html",
        rows=found[(page - 1) * _PAGE : page * _PAGE],
        counts={each: sum(doctors.is_shown(row, each, at) for row in rows) for each in doctors.Show},
        q=text,
        show=show,
        sort=sort,
        page=page,
        last=last,
        total=len(found),
        everybody=everybody,
        at=at,
        page_url=lambda number: url_for(".home", q=text or None, show=show, sort=sort, page=number),
    )


@bp.get("/<hcp_id>")
@guards.staff(Permission.HCP_READ)
def doctor(hcp_id: str) -> ResponseReturnValue:
    """Show one doctor: consent, what was read, the last order and why, and one timeline; reading it is an event."""
    card, done = _doctor(hcp_id), _activity(hcp_id)
    told = _moments(done)
    wanted = request.args.get("show", "")
    kind = timeline.Kind(wanted) if wanted in set(timeline.Kind) else None
    shown = [moment for moment in told if kind is None or moment.kind is kind]
    counts = {each: sum(moment.kind is each for moment in told) for each in timeline.Kind}
    looked = queries.last_looks(house.db(), identity.person().id).get(hcp_id)
    record(house.db(), DoctorRead(hcp=hcp_id, part="timeline"), by=_me(), at=house.now())
    return render_template(
        "rep/doctor.html",
        card=card,
        done=done,
        read=[
            (views, done.by_module(views), done.by_topic(views)) for views in (done.counted, done.unconfirmed) if views
        ],
        order=activity.last_order(house.db(), hcp_id, visits=done.visits, names=done.names),
        days=timeline.by_day(shown[:_MOMENTS], formats.zone(house.settings().display_zone)),
        more=max(0, len(shown) - _MOMENTS),
        counts=counts,
        kind=kind,
        looked=looked,
        modes=words.MODES,
        not_moved=words.NOT_MOVED,
        at=house.now(),
        may_issue=_may_issue(card),
        may_note=scope.may_note(house.db(), identity.person(), card.id, house.now()),
        may_mail=may(identity.person(), Permission.MAIL_SEND) and "send.new" in current_app.view_functions,
        me=identity.person().id,
        measured=_how_measured(),
        **_times(),
    )


@bp.get("/<hcp_id>/brief")
@guards.staff(Permission.HCP_READ)
def before_visit(hcp_id: str) -> ResponseReturnValue:
    """Show one printable page before a visit; reading it is an event."""
    card, done = _doctor(hcp_id), _activity(hcp_id)
    counted = [moment for moment in _moments(done) if not moment.tone]
    used = [brief.Point(moment.title, moment.note) for moment in counted if moment.kind is timeline.Kind.CALCULATORS]
    said = [brief.Point(moment.title, "") for moment in counted if moment.kind is timeline.Kind.ANSWERS]
    record(house.db(), DoctorRead(hcp=hcp_id, part="brief"), by=_me(), at=house.now())
    return render_template(
        "rep/brief.html",
        card=card,
        done=done,
        brief=brief.brief_of(house.db(), hcp_id, done, calculators=used, answers=said, at=house.now()),
        read=brief.most_read(done.by_module(done.counted)),
        at=house.now(),
    )


@bp.get("/<hcp_id>/activity.csv")
@guards.staff(Permission.HCP_READ)
def activity_csv(hcp_id: str) -> ResponseReturnValue:
    """Give a doctor's timeline as a file that is safe to open in a spreadsheet; taking it is an event."""
    card = _doctor(hcp_id)
    told = _moments(_activity(hcp_id))
    content = copies.activity_csv(told)
    sha256 = hashlib.sha256(content).hexdigest()
    record(
        house.db(), ActivityExported(hcp=card.id, rows=len(told), format="csv", sha256=sha256), by=_me(), at=house.now()
    )
    response = Response(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="activity-{card.id[:8]}.csv"'
    return response


@bp.get("/territories")
@guards.staff(Permission.REPORT_READ)
def territories() -> ResponseReturnValue:
    """Show what was read by territory, topic and week: of a rep's own doctors, or of all."""
    db, person, at = house.db(), identity.person(), house.now()
    weeks = frames.mondays(at.date(), _WEEKS)
    sees_all = not person.roles.isdisjoint({Role.MANAGER, Role.MARKETER})
    own = None if sees_all else [card.id for card in scope.doctors_for(db, person, at)]
    fewest = 1 if may(person, Permission.HCP_READ) else _FEWEST_DOCTORS
    rows = queries.territory_days(db, since=weeks[0].isoformat(), hcp_ids=own)
    tables = frames.territory_topic_weeks(rows, queries.module_topics(db), weeks=weeks, fewest_doctors=fewest)
    return render_template(
        "rep/territories.html",
        tables=tables,
        fewest=fewest,
        weeks=_WEEKS,
        names=queries.topic_names(db),
        may_see_doctors=may(person, Permission.HCP_READ),
    )


def _doctor(hcp_id: str) -> HcpCard:
    card = scope.doctor_for(house.db(), identity.person(), hcp_id, house.now())
    if card is None:
        abort(404)
    return card


def _activity(hcp_id: str) -> activity.Activity:
    return activity.activity_of(house.db(), hcp_id, at=house.now())


def _moments(done: activity.Activity) -> list[timeline.Moment]:
    ids = [link.sender_id for link in done.links] + [mail.sender_id for mail in done.mails]
    ids += [row.by_id for row in done.discussed]
    senders = names_of(house.db(), [each for each in ids if each])
    return timeline.moments(done, senders=senders, at=house.now())


def _may_issue(card: HcpCard) -> bool:
    return not card.is_access_revoked and scope.may_issue(house.db(), identity.person(), card.id, house.now())


def _times() -> dict[str, Callable[[datetime], str]]:
    zone = formats.zone(house.settings().display_zone)
    return {"zone_day": lambda at: formats.day(at, zone), "clock": lambda at: formats.clock(at, zone)}


def _how_measured() -> str:
    settings = house.settings()
    return (
        "Dwell is the time the page was visible and attended. A silence of up to "
        f"{settings.grace_seconds} s counts as reading, a longer one only when the reader comes back in time. "
        "The two numbers in brackets are what input proves and all that was visible: the truth lies between. "
        "Only confirmed visits of the doctor stand in totals; a page without a script has an unknown dwell, never 0."
    )


def _one_of(kinds: type[_Choice], name: str) -> _Choice:
    given = request.args.get(name, "")
    return kinds(given) if given in set(kinds) else next(iter(kinds))


def _me() -> Actor:
    return Actor.staff(identity.person().id)
