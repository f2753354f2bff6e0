"""Importing doctors in two steps (check, then confirm), and the decisions of one doctor with their history."""

from datetime import UTC, date, datetime
from datetime import time as clock_time

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal.audit import Actor, record
from portal.audit.reading import DoctorRead
from portal.content import queries as content
from portal.db import is_id
from portal.hcp import import_actions, noting, queries
from portal.hcp.cells import COLUMNS
from portal.hcp.import_hcps import Check, Outcome, check_sheet
from portal.hcp.noting import NotingRefused, Told
from portal.hcp.profiles import HcpCard
from portal.hcp.sheets import LARGEST_BYTES, MOST_ROWS, SheetRefused, read_sheet
from portal.hcp.taxonomies import read_taxonomies
from portal.reports import scope
from portal.staff.queries import ids_by_email, names_of
from portal.staff.roles import Permission, may
from portal.web import formats, guards, house, identity

bp = Blueprint("hcps", __name__, url_prefix="/staff")

_ROWS_SHOWN = 20
_ERRORS_SHOWN = 200
_PURPOSES = {"mail": "Email", "tracking": "Measuring", "profiling": "Personal order"}
_RADIOS = {"source", *_PURPOSES}
_NOTED = ("site", "date", "time", "source", "wording", "evidence", *_PURPOSES)


@bp.get("/import")
@guards.staff(Permission.HCP_IMPORT)
def upload() -> ResponseReturnValue:
    """Ask for a file."""
    return _upload_page([])


@bp.post("/import")
@guards.staff(Permission.HCP_IMPORT)
def check() -> ResponseReturnValue:
    """Check a file; one without errors waits an hour for its confirmation, one with errors is not kept."""
    file, list_file = request.files.get("file"), request.files.get("taxonomies")
    if file is None or not file.filename:
        return _upload_page([("file", "Choose a file.")]), 422
    raw, part = _read(file), "file"
    try:
        found, part = read_sheet(raw), "taxonomies"
        names = read_taxonomies(read_sheet(_read(list_file))) if list_file and list_file.filename else {}
    except SheetRefused as refused:
        return _upload_page([(part, str(refused))]), 422
    db, at, person = house.db(), house.now(), identity.person()
    result = check_sheet(found, import_actions.known_of(db, staff=ids_by_email(db), at=at), specialties=names)
    if result.errors:
        return _check_page(result, file.filename), 422
    kept_id = import_actions.keep_file(db, person.id, file_name=file.filename, body=raw, specialties=names, at=at)
    return redirect(url_for("hcps.checked", kept_id=kept_id), code=303)


@bp.get("/import/<kept_id>")
@guards.staff(Permission.HCP_IMPORT)
def checked(kept_id: str) -> ResponseReturnValue:
    """Show what a file that waits would do."""
    kept = _kept(kept_id)
    return _check_page(_check_again(kept), kept.file_name, kept)


@bp.post("/import/<kept_id>/confirm")
@guards.staff(Permission.HCP_IMPORT)
def confirm(kept_id: str) -> ResponseReturnValue:
    """Save the file that waits, compared anew with what is known at this moment."""
    kept, by = _kept(kept_id), Actor.staff(identity.person().id)
    result = _check_again(kept)
    try:
        import_actions.save_import(house.db(), result, by=by, at=house.now())
    except import_actions.ImportRefused as refused:
        flash(str(refused), "bad")
        return _check_page(result, kept.file_name), 409
    import_actions.drop_file(house.db(), identity.person().id, kept_id=kept_id)
    new, changed = result.count(Outcome.NEW), result.count(Outcome.CHANGED)
    flash(f"Imported {_doctors(new + changed)}: {new} new, {changed} changed.", "good")
    return redirect(url_for("hcps.upload"), code=303)


@bp.post("/import/<kept_id>/discard")
@guards.staff(Permission.HCP_IMPORT)
def discard(kept_id: str) -> ResponseReturnValue:
    """Throw the file that waits away."""
    kept = _kept(kept_id)
    import_actions.drop_file(house.db(), identity.person().id, kept_id=kept.id)
    flash(f"{kept.file_name} is thrown away; nothing was saved.", "info")
    return redirect(url_for("hcps.upload"), code=303)


@bp.get("/doctors/<hcp_id>/consents")
@guards.staff(Permission.HCP_READ)
def consents(hcp_id: str) -> ResponseReturnValue:
    """Show what a doctor has decided, per brand, and every decision before; reading it is an event."""
    db, at, person = house.db(), house.now(), identity.person()
    card = _doctor(hcp_id)
    record(db, DoctorRead(hcp=hcp_id, part="consents"), by=Actor.staff(person.id), at=at)
    return _consent_page(card, _today(), {})


@bp.post("/doctors/<hcp_id>/consents")
@guards.staff(Permission.CONSENT_RECORD)
def note_consents(hcp_id: str) -> ResponseReturnValue:
    """Write down what a doctor decided on paper or by word; a later decision of the doctor stands all the same."""
    card, db, at, form = _doctor(hcp_id), house.db(), house.now(), request.form
    given = {name: form.get(name, "").strip()[:600] for name in _NOTED}
    site = content.site_by_id(db, given["site"]) if is_id(given["site"]) else None
    decided_at = _moment(given["date"], given["time"])
    faults = {} if site is not None or given["site"] == "every" else {"site": "Choose a brand, or every brand."}
    if decided_at is None:
        faults["date"] = "Give the day of the decision, and the time only if it is known, such as 14:30."
    decisions = {purpose: given[purpose] for purpose in _PURPOSES if given[purpose]}
    try:
        if faults or decided_at is None:
            raise NotingRefused(faults)
        told = Told(
            site.id if site else None, decisions, given["source"], given["wording"], given["evidence"], decided_at
        )
        by = Actor.staff(identity.person().id)
        stands = noting.note(db, card.id, told, days=site.consent_days if site else {}, by=by, at=at)
    except NotingRefused as refused:
        return _consent_page(card, given, refused.faults), 422
    late = [_PURPOSES[purpose] for purpose, holds in stands.items() if not holds]
    flash("Written down." if late else "Written down. It holds from now on, for links already sent too.", "good")
    if late:
        flash(f"{', '.join(late)}: a later or more careful decision of the doctor stands.", "warn")
    return redirect(url_for("hcps.consents", hcp_id=card.id), code=303)


def _consent_page(card: HcpCard, given: dict[str, str], faults: dict[str, str]) -> str:
    db, at = house.db(), house.now()
    sites, evidence = content.sites(db), noting.evidence_of(db, card.id)
    return render_template(
        "staff/consents.html",
        card=card,
        in_force=[(site, queries.consent_in_force(db, card.id, site.id, at)) for site in sites],
        history=queries.consent_history(db, card.id),
        evidence=evidence,
        names=names_of(db, {each.by_id for each in evidence.values() if each.by_id}),
        brands={site.id: f"{site.brand} {site.market}" for site in sites},
        given=given,
        errors=[(f"{field}-0" if field in _RADIOS else field, said) for field, said in faults.items()],
        wrong=faults,
        sources=[(str(source), words.capitalize()) for source, words in noting.SOURCE_WORDS.items()],
        zone=house.settings().display_zone,
        may_note=may(identity.person(), Permission.CONSENT_RECORD),
    )


def _today() -> dict[str, str]:
    today = house.now().astimezone(formats.zone(house.settings().display_zone)).date()
    return dict.fromkeys(_NOTED, "") | {"date": today.isoformat()}


def _moment(day: str, time: str) -> datetime | None:
    """Return a moment typed in the zone of the staff pages; without a time the first of the day."""
    try:
        typed = datetime.combine(date.fromisoformat(day), clock_time.fromisoformat(time) if time else clock_time.min)
        return typed.replace(tzinfo=formats.zone(house.settings().display_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _doctor(hcp_id: str) -> HcpCard:
    card = scope.doctor_for(house.db(), identity.person(), hcp_id, house.now())
    if card is None:
        abort(404)
    return card


def _read(file: FileStorage) -> bytes:
    return file.stream.read(LARGEST_BYTES + 1)


def _kept(kept_id: str) -> import_actions.KeptFile:
    kept = None
    if is_id(kept_id):
        kept = import_actions.kept_file(house.db(), identity.person().id, kept_id=kept_id, at=house.now())
    if kept is None:
        abort(404)
    return kept


def _check_again(kept: import_actions.KeptFile) -> Check:
    db, at = house.db(), house.now()
    known = import_actions.known_of(db, staff=ids_by_email(db), at=at)
    return check_sheet(read_sheet(kept.body), known, specialties=kept.specialties)


def _upload_page(errors: list[tuple[str, str]]) -> str:
    return render_template(
        "staff/import.html",
        errors=errors,
        columns=COLUMNS,
        largest=f"{LARGEST_BYTES // 1024 // 1024} MB",
        most=f"{MOST_ROWS:,}",
    )


def _check_page(result: Check, file_name: str, kept: import_actions.KeptFile | None = None) -> str:
    worth = result.count(Outcome.NEW) + result.count(Outcome.CHANGED)
    shown = result.planned[:_ROWS_SHOWN]
    return render_template(
        "staff/import_check.html",
        check=result,
        file_name=file_name,
        kept=kept,
        shown=shown,
        names=names_of(house.db(), [row.user_id for row in shown if row.user_id]),
        errors=result.errors[:_ERRORS_SHOWN],
        tally={outcome.value: result.count(outcome) for outcome in Outcome},
        worth=worth,
        doctors=_doctors(worth),
    )


def _doctors(count: int) -> str:
    return f"{count:,} doctor{'' if count == 1 else 's'}"
