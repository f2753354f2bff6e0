"""Importing doctors in two steps (check, then confirm), and the decisions of one doctor with their history."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal.audit import Actor, record
from portal.audit.reading import DoctorRead
from portal.content import queries as content
from portal.db import is_id
from portal.hcp import import_actions, queries
from portal.hcp.cells import COLUMNS
from portal.hcp.import_hcps import Check, Outcome, check_sheet
from portal.hcp.sheets import LARGEST_BYTES, MOST_ROWS, SheetRefused, read_sheet
from portal.hcp.taxonomies import read_taxonomies
from portal.reports import scope
from portal.staff.queries import ids_by_email, names_of
from portal.staff.roles import Permission
from portal.web import guards, house, identity

bp = Blueprint("hcps", __name__, url_prefix="/staff")

_ROWS_SHOWN = 20
_ERRORS_SHOWN = 200


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
    card = scope.doctor_for(db, person, hcp_id, at)
    if card is None:
        abort(404)
    sites = content.sites(db)
    record(db, DoctorRead(hcp=hcp_id, part="consents"), by=Actor.staff(person.id), at=at)
    return render_template(
        "staff/consents.html",
        card=card,
        in_force=[(site, queries.consent_in_force(db, hcp_id, site.id)) for site in sites],
        history=queries.consent_history(db, hcp_id),
        brands={site.id: f"{site.brand} {site.market}" for site in sites},
    )


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
