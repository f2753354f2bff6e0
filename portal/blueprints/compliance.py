"""The audit log in words, its export, one doctor's case, and pages shown again as they were seen."""

import hashlib
import json
from datetime import datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor, queries, record, sealing, verifier
from portal.audit.bundles import bundle
from portal.audit.canonical import instant
from portal.audit.checking import LogVerified
from portal.audit.checkpoints import load_signer
from portal.audit.events import declared
from portal.audit.keeping import log_name, verify_here
from portal.audit.reading import CaseRead, EventRead, LogExported, MailReread, PageReplayed
from portal.audit.search import Search, SearchRefused, parse
from portal.db import is_id
from portal.mailing import outbox
from portal.mailing.showing import for_staff
from portal.microsite.replay import page_bytes
from portal.reports import cases, copies, names
from portal.reports.deeds import Deed, deeds, doctors_in, shown
from portal.staff.roles import Permission
from portal.web import formats, guards, headers, house, identity

bp = Blueprint("compliance", __name__, url_prefix="/staff/audit")

_HELP = (
    ("actor:anna", "Who did it: a colleague's name or address, a doctor's reference, or staff, hcp, visitor, system."),
    ("action:link.issued", "What was done; action:link finds all that happened to links."),
    ("hcp:H-1021", "Which doctor it is about: a reference or a name."),
    ("created:2026-01-01..2026-03-31", "When: a day, a range, or >=2026-01-01. Days are those of the zone shown."),
    ("-actor:system", "A minus leaves out."),
    ('"second device"', "Words of the event itself; quotation marks keep them together."),
)
_LATEST_SEQ = 2**62
_CHECKED_HERE = 50_000


@bp.get("/")
@guards.staff(Permission.AUDIT_READ)
def home() -> ResponseReturnValue:
    """List audit events in words, newest first, narrowed by a search."""
    text = request.args.get("q", "").strip()
    db = house.db()
    try:
        wanted = queries.conditions(_search(text), _known())
    except SearchRefused as refused:
        return _refused(text, refused)
    page = queries.events_page(db, wanted, before=_seq("before"), after=_seq("after"))
    total = queries.count_events(db, wanted)
    told = deeds(db, page.rows)
    return render_template(
        "compliance/home.html",
        **_frame(text),
        refused=None,
        days=_by_day(told),
        doctors=doctors_in(told) if "hcp:" in text else [],
        checked=_checked(),
        total=formats.count_of(total, "event") if total <= queries.COUNTED else f"more than {queries.COUNTED:,} events",
        newer=url_for(".home", q=text or None, after=page.newer) if page.newer else "",
        older=url_for(".home", q=text or None, before=page.older) if page.older else "",
    )


@bp.post("/export")
@guards.staff(Permission.AUDIT_EXPORT)
def export() -> ResponseReturnValue:
    """Give every event that the search finds as a file; taking it is an event itself."""
    text, db, at = request.form.get("q", "").strip(), house.db(), house.now()
    try:
        form = copies.Format(request.form.get("format", ""))
        search = _search(text)
        wanted = queries.conditions(search, _known())
    except SearchRefused:
        return redirect(url_for(".home", q=text), code=303)
    except ValueError:
        abort(400)
    if queries.count_events(db, wanted, at_most=copies.MOST_ROWS) > copies.MOST_ROWS:
        sentence = f"An export holds at most {copies.MOST_ROWS:,} events."
        refused = SearchRefused(sentence, "Narrow the search, for instance with created:2026-01-01..2026-03-31.")
        return _refused(text, refused)
    rows = list(queries.all_events(db, wanted))
    copy = copies.copy_of(rows, form=form, query=search.text(), zone=_zone(), at=at)
    event = LogExported(query=search.text(), rows=copy.rows, format=form, zone=_zone().key, sha256=copy.sha256)
    record(db, event, by=_me(), at=at)
    return _download(copy.content, copies.MEDIA_TYPES[form], copy.filename)


@bp.get("/event/<event_id>")
@guards.staff(Permission.AUDIT_READ)
def event(event_id: str) -> ResponseReturnValue:
    """Show one event: in words, as stored, and its personal values where they were not erased."""
    db = house.db()
    row = queries.event_of(db, event_id) if is_id(event_id) else None
    if row is None:
        abort(404)
    personal = queries.personal_of(db, event_id)
    kind = declared().get(row.name)
    if personal is not None:
        record(db, EventRead(event=event_id, hcp=row.hcp_id), by=_me(), at=house.now())
    return render_template(
        "compliance/event.html",
        deed=deeds(db, [row])[0],
        raw=json.dumps(json.loads(row.body), indent=2, ensure_ascii=False),
        personal=[(name.replace("_", " ").capitalize(), shown(value)) for name, value in (personal or {}).items()],
        has_personal=bool(kind and kind.personal_fields()),
        place=sealing.place_of(db, event_id),
    )


@bp.post("/event/<event_id>/proof")
@guards.staff(Permission.AUDIT_EXPORT)
def proof(event_id: str) -> ResponseReturnValue:
    """Give one sealed event with its proof, for the stand-alone verifier; taking it is an event."""
    db = house.db()
    if not is_id(event_id) or queries.event_of(db, event_id) is None:
        abort(404)
    if sealing.place_of(db, event_id) is None:
        flash("This event is not sealed yet: press “Verify now” on the audit log.", "warn")
        return redirect(url_for(".event", event_id=event_id), code=303)
    content = b"".join(bundle(db, _verifier_key(), events=[event_id]))
    sha256 = hashlib.sha256(content).hexdigest()
    event = LogExported(query=f"event {event_id}", rows=1, format="proof", zone=_zone().key, sha256=sha256)
    record(db, event, by=_me(), at=house.now())
    return _download(content, copies.MEDIA_TYPES[copies.Format.JSON_LINES], f"event-{event_id[:8]}-proof.jsonl")


@bp.get("/verifier.py")
@guards.staff(Permission.AUDIT_EXPORT)
def verifier_file() -> ResponseReturnValue:
    """Give the verifier, which needs nothing of the portal."""
    return _download(Path(verifier.__file__).read_bytes(), "text/x-python; charset=utf-8", "verify_audit.py")


@bp.post("/verify")
@guards.staff(Permission.AUDIT_READ)
def verify() -> ResponseReturnValue:
    """Seal what waits and check the whole log; a long log is checked from the command line."""
    settings = house.settings()
    if sealing.log_size(house.db()) > _CHECKED_HERE:
        flash(f"The log has more than {_CHECKED_HERE:,} entries: run `./run audit verify` on the server.", "warn")
        return redirect(url_for(".home"), code=303)
    finding = verify_here(house.db(), settings.instance_path, settings.base_url, by=_me(), at=house.now())
    if finding.holds:
        flash(f"Verified to entry {finding.size:,}.", "good")
    return redirect(url_for(".home"), code=303)


@bp.get("/doctor/<hcp_id>")
@guards.staff(Permission.AUDIT_READ)
def doctor(hcp_id: str) -> ResponseReturnValue:
    """Show everything kept about one doctor, as of now or any moment before; reading it is an event."""
    db, given = house.db(), request.args.get("as_of", "").strip()
    as_of, fault = _moment(given)
    case = cases.case_of(db, hcp_id, as_of=as_of) if is_id(hcp_id) else None
    if case is None:
        abort(404)
    record(db, CaseRead(hcp=hcp_id, as_of=instant(as_of) if given and not fault else None), by=_me(), at=house.now())
    house.keep()  # what is shown was read, also where the day asked for was not understood
    body = render_template(
        "compliance/doctor.html",
        case=case,
        clock=_clock,
        as_of=given,
        moment=as_of if given and not fault else None,
        fault=fault,
        days=_by_day(deeds(db, queries.events_about(db, hcp_id, until=as_of, limit=20))),
    )
    return make_response(body, 422 if fault else 200)


@bp.get("/page/<arrangement_id>")
@guards.staff(Permission.REPLAY)
def page(arrangement_id: str) -> ResponseReturnValue:
    """Show a served page again: who, when, by which rules and why, and the page itself in a frame."""
    replay = cases.replay_of(house.db(), arrangement_id) if is_id(arrangement_id) else None
    found = page_bytes(house.db(), arrangement_id) if replay is not None else None
    if replay is None or found is None:
        abort(404)
    if replay.page.hcp_id is not None:
        record(house.db(), CaseRead(hcp=replay.page.hcp_id, as_of=None), by=_me(), at=house.now())
    headers.allow_own_frames()
    doctor = names.doctor_names(house.db(), [replay.page.hcp_id]).get(replay.page.hcp_id or "")
    return render_template(
        "compliance/page.html",
        replay=replay,
        doctor=doctor,
        matches=found.matches,
        sha256=found.sha256,
        size=len(found.html),
        facts=json.dumps(json.loads(replay.facts), indent=2, ensure_ascii=False),
    )


@bp.get("/page/<arrangement_id>/raw")
@guards.staff(Permission.REPLAY)
def raw(arrangement_id: str) -> ResponseReturnValue:
    """Give the bytes of a served page, inert: no script runs, no form is sent; the replay is an event."""
    replay = cases.replay_of(house.db(), arrangement_id) if is_id(arrangement_id) else None
    found = page_bytes(house.db(), arrangement_id) if replay is not None else None
    if replay is None or found is None:
        abort(404)
    event = PageReplayed(arrangement=arrangement_id, hcp=replay.page.hcp_id, sha256=found.sha256, matches=found.matches)
    record(house.db(), event, by=_me(), at=house.now())
    headers.framed_and_inert()
    response = Response(found.html, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/mail/<sending_id>")
@guards.staff(Permission.REPLAY)
def mail(sending_id: str) -> ResponseReturnValue:
    """Give the HTML of one email as it was sent, but for its signed addresses; reading it is an event.

    Mail with a code or a link that was asked for is for its reader alone: it answers as missing.
    """
    row, sent = outbox.sending(house.db(), sending_id), outbox.as_sent(house.db(), sending_id)
    shown = for_staff(row.kind, sent, follow=False) if row is not None else None
    if row is None or sent is None or sent.html is None or shown is None or shown.html is None:
        abort(404)
    matches = hashlib.sha256(sent.html.encode()).hexdigest() == sent.sha256
    event = MailReread(sending=row.id, hcp=row.hcp_id, sha256=sent.sha256, matches=matches)
    record(house.db(), event, by=_me(), at=house.now())
    headers.framed_and_inert()
    return Response(shown.html, mimetype="text/html")


def _search(text: str) -> Search:
    return parse(text, zone=_zone(), actions=declared().keys())


def _known() -> queries.Known:
    db = house.db()
    return queries.Known(
        actors=lambda text: names.actors_called(db, text),
        hcps=lambda text: names.hcps_called(db, text),
    )


def _frame(text: str) -> dict[str, Any]:
    return {"q": text, "help": _HELP, "zone": _zone().key, "most": f"{copies.MOST_ROWS:,}", "clock": _clock}


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_zone()):%H:%M:%S}"


def _refused(text: str, refused: SearchRefused) -> ResponseReturnValue:
    return render_template("compliance/home.html", **_frame(text), refused=refused, days=[], doctors=[]), 422


def _checked() -> dict[str, Any] | None:
    """Return what the newest check of the log said, and when."""
    row = queries.newest_called(house.db(), LogVerified.name)
    return {"at": row.at, "clock": _clock(row.at), **row.about} if row is not None else None


def _verifier_key() -> str:
    settings = house.settings()
    return load_signer(settings.instance_path, log_name(settings.base_url)).verifier_key


def _by_day(told: list[Deed]) -> list[tuple[str, list[Deed]]]:
    grouped = groupby(told, key=lambda deed: formats.day(deed.at, _zone()))
    return [(day, list(some)) for day, some in grouped]


def _seq(name: str) -> int | None:
    given = request.args.get(name, "")
    return min(int(given), _LATEST_SEQ) if given.isascii() and given.isdigit() and len(given) < 20 else None


def _moment(given: str) -> tuple[datetime, str]:
    """Return the end of the day (or the minute) that was asked for, and what is wrong with it."""
    if not given:
        return house.now(), ""
    try:
        local = datetime.fromisoformat(given)
    except ValueError:
        return house.now(), f"“{given[:40]}” is not a day. Write it as 2026-03-31."
    if local.tzinfo is None:
        if len(given) <= 10:
            local = datetime.combine(local.date(), time(23, 59, 59)) + timedelta(microseconds=999_999)
        local = local.replace(tzinfo=_zone())
    if not 1970 <= local.year <= 2999:
        return house.now(), f"“{given[:40]}” lies outside the years 1970 to 2999."
    return local, ""


def _zone() -> ZoneInfo:
    return formats.zone(house.settings().display_zone)


def _me() -> Actor:
    return Actor.staff(identity.person().id)


def _download(content: bytes, media_type: str, filename: str) -> Response:
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
