"""One timeline of a doctor: what was sent, opened, read and used, newest first. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from itertools import groupby

from portal.hcp.consents import Purpose
from portal.hcp.discussions import DiscussionRow
from portal.mailing.outbox import SendingRow
from portal.mailing.states import SendingKind, SendingState
from portal.reports import words
from portal.reports.activity import Activity
from portal.reports.visits import Standing, VisitRow, Whose
from portal.tracking.records import InteractionRow, ViewRow

PARTS_SHOWN = 4
_BY_MAIL = ("mail", "email")

_INTERACTIONS = {
    "module.expanded": "Opened details of {subject}",
    "module.downloaded": "Downloaded {subject}",
    "module.useful": "Called {subject} {value}",
    "module.saved": "Saved {subject} for later",
    "module.unsaved": "Took {subject} off the saved list",
    "module.dismissed": "Called {subject} not relevant",
    "question.answered": "Answered “{value}” to “{subject}”",
    "page.printed": "Printed {subject}",
    "order.standard": "Asked for the standard order",
    "search.done": "Searched the page",
    "calculator.copied": "Copied a result of {subject}",
}
_DECISIONS = {
    (Purpose.MAIL, "given"): "Agreed to email",
    (Purpose.MAIL, "refused"): "Refused email",
    (Purpose.TRACKING, "identified"): "Agreed to be measured by name",
    (Purpose.TRACKING, "anonymous"): "Chose to be counted without a name",
    (Purpose.TRACKING, "none"): "Refused to be measured",
    (Purpose.PROFILING, "given"): "Agreed to a personal order",
    (Purpose.PROFILING, "refused"): "Refused a personal order",
}


class Kind(StrEnum):
    """What a moment is about; also the filter chips."""

    MAIL = "mail"
    LINKS = "links"
    VISITS = "visits"
    READING = "reading"
    CALCULATORS = "calculators"
    ANSWERS = "answers"
    TALKS = "talks"
    CONSENT = "consent"
    AUTOMATIC = "automatic"


# Of one instant: the consent came before the visit, the visit before the reading.
_RANK = {
    kind: rank
    for rank, kind in enumerate(("links", "mail", "automatic", "consent", "visits", "reading", "calculators"))
}
_RANK[Kind.ANSWERS] = len(_RANK)
_RANK[Kind.TALKS] = len(_RANK)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; times in ms, `dwell_ms` None with `is_read` is unknown dwell. Tone colours the mark."""

    at: datetime
    kind: Kind
    title: str
    icon: str
    tone: str = ""
    note: str = ""
    tag: str = ""
    is_read: bool = False
    dwell_ms: int | None = None
    proven_ms: int | None = None
    visible_ms: int | None = None
    parts: tuple[tuple[str, int], ...] = field(default=())
    more_parts: int = 0
    link_id: str = ""
    mail_id: str = ""
    by_id: str | None = None


def moments(activity: Activity, *, senders: Mapping[str, str], at: datetime) -> list[Moment]:
    """Return everything that happened, newest first; `senders` names colleagues by id."""
    visits = {visit.id: visit for visit in activity.visits}
    views = {view.id: view for view in activity.views}
    told = [
        *_links(activity, senders, at),
        *(_mail(mail, senders) for mail in activity.mails),
        *(_visit(visit) for visit in activity.visits),
        *(_view(view, visits[str(view.visit_id)], activity) for view in activity.views),
        *_calculators(activity, visits, views),
        *(_interaction(each, views[each.view_id], activity) for each in activity.interactions if _is_told(each)),
        *_talks(activity, senders),
        *_consents(activity),
        *_fetched(activity),
    ]
    return sorted(told, key=lambda moment: (moment.at, _RANK[moment.kind]), reverse=True)


def _is_told(each: InteractionRow) -> bool:
    return each.type in _INTERACTIONS


def _links(activity: Activity, senders: Mapping[str, str], at: datetime) -> Iterable[Moment]:
    for link in activity.links:
        sender = senders.get(link.sender_id or "", "the portal")
        landing = f", opening at {activity.names.module(link.site_id, link.landing)}" if link.landing else ""
        note = f"By {sender}, {words.CHANNELS.get(link.channel, link.channel)}{landing}"
        tag = {"open": "", "expired": "expired", "revoked": "revoked"}[link.state(at)]
        if link.channel not in _BY_MAIL:  # the mail itself is told
            yield Moment(link.created_at, Kind.LINKS, "Link issued", "link", note=note, tag=tag, link_id=link.id)
        if link.revoked_at is not None:
            reason = link.revoked_reason or "no reason given"
            yield Moment(link.revoked_at, Kind.LINKS, "Link revoked", "cross", "bad", note=reason, link_id=link.id)


def _mail(mail: SendingRow, senders: Mapping[str, str]) -> Moment:
    fresh = mail.kind is SendingKind.FRESH
    title = "Asked for a fresh link, sent by email" if fresh else f"Email “{mail.subject or 'erased'}”"
    note = "" if fresh else f"By {senders.get(mail.sender_id or '', 'the portal')}"
    tones = {SendingState.FAILED: "bad", SendingState.STOPPED: "warn", SendingState.UNCERTAIN: "warn"}
    return Moment(
        at=mail.handed_over_at or mail.finished_at or mail.due_at,
        kind=Kind.MAIL,
        title=title,
        icon="undo" if mail.state is SendingState.UNDONE else "mail",
        tone="automatic" if mail.state is SendingState.UNDONE else tones.get(mail.state, ""),
        note=note,
        tag=mail.in_words,
        mail_id=mail.id,
        by_id=mail.sender_id,
    )


def _visit(visit: VisitRow) -> Moment:
    signs = words.marks(visit.marks)
    if visit.whose is Whose.STAFF:
        return Moment(
            visit.opened_at, Kind.AUTOMATIC, "Opened on a colleague's device", "person", "automatic", "Not the doctor"
        )
    if visit.standing is Standing.AUTOMATIC:
        note = f"Signs of a robot: {signs}" if signs else "Nobody pressed the button"
        return Moment(visit.opened_at, Kind.AUTOMATIC, "Opened by a machine", "automatic", "automatic", note)
    if visit.whose is Whose.OTHER:
        return Moment(
            visit.opened_at,
            Kind.VISITS,
            "Opened on a second device",
            "question",
            "automatic",
            "Whose it is is not known; what was read there is not counted for the doctor",
        )
    if visit.standing is Standing.UNCONFIRMED:
        doubt = f"something speaks for a machine: {signs}" if signs else "reading is not proven"
        note = f"The button was pressed; {doubt}"
        return Moment(visit.opened_at, Kind.VISITS, "Opened the link", "eye", "automatic", note, "unconfirmed")
    device = " on a device confirmed by code" if visit.confidence == "verified" else ""
    return Moment(visit.opened_at, Kind.VISITS, f"Opened the link{device}", "eye", "good", tag="confirmed")


def _view(view: ViewRow, visit: VisitRow, activity: Activity) -> Moment:
    own = [
        (activity.names.module(view.site_id, section.module_key), section.attention_ms)
        for section in view.sections
        if section.attention_ms > 0
    ]
    parts: dict[str, int] = {}
    for label, ms in own:
        parts[label] = parts.get(label, 0) + ms
    longest = sorted(parts.items(), key=lambda part: -part[1])
    is_home = view.page == "home"
    counts = visit.counts and view.confirmed
    title = activity.names.page(view.site_id, view.page)
    return Moment(
        at=view.opened_at,
        kind=Kind.READING if visit.standing is not Standing.AUTOMATIC else Kind.AUTOMATIC,
        title="Looked over the home page" if is_home else f"Opened {title}",
        icon="file",
        tone="" if counts else "automatic",
        tag="" if counts else _doubt(visit),
        is_read=True,
        dwell_ms=view.dwell_ms,
        proven_ms=view.bracket.proven if view.bracket else None,
        visible_ms=view.bracket.visible if view.bracket else None,
        parts=tuple(longest[:PARTS_SHOWN]) if is_home or len(longest) > 1 else (),
        more_parts=max(0, len(longest) - PARTS_SHOWN) if is_home or len(longest) > 1 else 0,
    )


def _doubt(visit: VisitRow) -> str:
    return "no input yet" if visit.counts else str(visit.standing)


def _calculators(activity: Activity, visits: Mapping[str, VisitRow], views: Mapping[str, ViewRow]) -> Iterable[Moment]:
    for use in activity.calculators:
        counts = visits[str(views[use.view_id].visit_id)].counts
        name = words.calculator(use.calculator)
        title = f"Used {name} to a result" if use.completed_at else f"Opened {name}"
        note = f"Result band: {use.band.replace('-', ' ')}" if use.band else ""
        at = use.completed_at or use.opened_at
        tone, tag = ("", "") if counts else ("automatic", _doubt(visits[str(views[use.view_id].visit_id)]))
        yield Moment(at, Kind.CALCULATORS, title, "calculator", tone, note or f"Version {use.version}", tag)


def _interaction(each: InteractionRow, view: ViewRow, activity: Activity) -> Moment:
    key = each.subject.partition("#")[0]
    subject = activity.names.page(view.site_id, key)
    if each.type.startswith("calculator."):
        subject = words.calculator(each.subject)
    value = {"yes": "useful", "no": "not useful"}.get(each.value, each.value)
    if each.type == "question.answered":
        value = activity.names.answer(view.site_id, key, each.value)
    icon = {"module.downloaded": "download", "page.printed": "print", "module.saved": "save"}.get(each.type, "chat")
    return Moment(each.at, Kind.ANSWERS, _INTERACTIONS[each.type].format(subject=subject, value=value), icon)


def _talks(activity: Activity, senders: Mapping[str, str]) -> Iterable[Moment]:
    def noted(row: DiscussionRow) -> tuple[str, str, datetime, str]:
        return row.site_id, row.day, row.at, row.by_id

    for (site_id, day, at, by_id), rows in groupby(sorted(activity.discussed, key=noted), key=noted):
        titles = sorted(activity.names.module(site_id, row.module_key) for row in rows)
        note = f"In the visit of {words.day(day)}, noted by {senders.get(by_id, 'a colleague')}"
        yield Moment(at, Kind.TALKS, f"Discussed {', '.join(titles)}", "chat", note=note)


def _consents(activity: Activity) -> Iterable[Moment]:
    brands = {site.id: site.brand for site in activity.sites}
    for row in activity.decisions:
        title = _DECISIONS.get((row.purpose, row.decision), f"{row.purpose}: {row.decision}")
        where = brands.get(row.site_id, row.site_id) if row.site_id else "every site"
        yield Moment(row.at, Kind.CONSENT, title, "shield", note=f"{where}, source: {row.source}")


def _fetched(activity: Activity) -> Iterable[Moment]:
    for row in activity.fetched:
        times = "once" if row.count == 1 else f"{row.count} times"
        yield Moment(
            row.last_at,
            Kind.AUTOMATIC,
            f"Link fetched {times} without anybody pressing its button",
            "automatic",
            "automatic",
            "Mail scanners and previews do this; it says nothing about the doctor",
        )


def by_day(told: Iterable[Moment], zone: tzinfo) -> list[tuple[datetime, list[Moment]]]:
    """Return moments grouped by day of `zone`, each with the first moment's time, in the order given."""
    groups = groupby(told, key=lambda moment: moment.at.astimezone(zone).date())
    return [(some[0].at, some) for some in (list(each) for _day, each in groups)]
