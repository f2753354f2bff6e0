"""Link presets: what links for one occasion lead to, and for how long; listed, made, changed, retired."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import presets
from portal.access.presets import Preset, PresetContent, PresetRefused
from portal.audit import Actor
from portal.content import queries as content
from portal.content.queries import SiteRecord
from portal.db import is_id
from portal.staff.queries import names_of
from portal.staff.roles import Permission, may
from portal.web import guards, house, identity

bp = Blueprint("presets", __name__, url_prefix="/staff/link-presets")


@bp.get("/")
@guards.staff(Permission.PRESET_READ)
def home() -> ResponseReturnValue:
    """List the presets on offer by site, and those retired."""
    db = house.db()
    on_offer, gone = presets.offered(db), presets.retired(db)
    sites = {site.id: site for site in content.sites(db)}
    return render_template(
        "presets/home.html",
        offered=[(each, _titles(sites[each.site_id]), _missing(each)) for each in on_offer],
        retired=gone,
        sites=sites,
        names=names_of(db, {*(each.author_id for each in on_offer), *(each.retired_by or "" for each in gone)}),
        may_write=_may_write(),
    )


@bp.get("/new")
@guards.staff(Permission.PRESET_WRITE)
def new() -> ResponseReturnValue:
    """Ask what a new preset says; first for which site, where there are several."""
    return _form(_site(request.args.get("site", "")), None, PresetContent(days=14), {})


@bp.post("/new")
@guards.staff(Permission.PRESET_WRITE)
def create() -> ResponseReturnValue:
    """Make a preset."""
    site, given = _site(request.form.get("site", "")), _given()
    try:
        presets.make(house.db(), site.id, given, modules=_keys(site), most_days=_most(), by=_me(), at=house.now())
    except PresetRefused as refused:
        return _form(site, None, given, refused.faults), 422
    flash(f"The preset “{given.name}” is on offer to representatives from now on.", "good")
    return redirect(url_for(".home"), code=303)


@bp.get("/<preset_id>")
@guards.staff(Permission.PRESET_READ)
def one(preset_id: str) -> ResponseReturnValue:
    """Show one preset with its versions; who may write them can change or retire it here."""
    found = _preset(preset_id)
    return _form(_site_of(found), found, found.content, {})


@bp.post("/<preset_id>")
@guards.staff(Permission.PRESET_WRITE)
def change(preset_id: str) -> ResponseReturnValue:
    """Make the next version of a preset."""
    found, given = _preset(preset_id), _given()
    site = _site_of(found)
    try:
        changed = presets.change(
            house.db(), found.id, given, modules=_keys(site), most_days=_most(), by=_me(), at=house.now()
        )
    except PresetRefused as refused:
        return _form(site, found, given, refused.faults), 422
    said = "Nothing was changed." if changed == found.id else "Changed. Links issued before stay as they are."
    flash(said, "info" if changed == found.id else "good")
    return redirect(url_for(".one", preset_id=changed), code=303)


@bp.post("/<preset_id>/retire")
@guards.staff(Permission.PRESET_WRITE)
def retire(preset_id: str) -> ResponseReturnValue:
    """Offer a preset no longer; a reason is needed."""
    found = _preset(preset_id)
    try:
        presets.retire(house.db(), found.id, reason=request.form.get("reason", ""), by=_me(), at=house.now())
    except PresetRefused as refused:
        return _form(_site_of(found), found, found.content, refused.faults), 422
    flash(f"The preset “{found.content.name}” is retired. Links issued with it stay as they are.", "good")
    return redirect(url_for(".home"), code=303)


def _form(site: SiteRecord, found: Preset | None, given: PresetContent, faults: dict[str, str]) -> str:
    db, titles = house.db(), _titles(site)
    history = presets.versions(db, found.series_id) if found is not None else []
    people = {*(each.author_id for each in history), *(each.retired_by or "" for each in history)}
    return render_template(
        "presets/one.html",
        site=site,
        sites=content.sites(db),
        preset=found,
        given=given,
        errors=[("modules-0" if field == "modules" else field, said) for field, said in faults.items()],
        wrong=faults,
        titles=titles,
        modules=[*titles.items(), *((key, f"{key} (not in force)") for key in given.modules if key not in titles)],
        history=history,
        names=names_of(db, people),
        most_days=_most(),
        may_change=_may_write() and (found is None or found.is_offered),
    )


def _given() -> PresetContent:
    form = request.form
    days = form.get("days", "").strip()
    return PresetContent(
        name=form.get("name", "").strip()[:200],
        purpose=form.get("purpose", "").strip()[:500],
        days=int(days) if days.isascii() and days.isdigit() and len(days) <= 4 else 0,
        landing=form.get("landing", "")[:80] or None,
        modules=tuple(key[:80] for key in form.getlist("modules")[:100]),
    )


def _site(site_id: str) -> SiteRecord:
    """Return the site that was named, the first where none was."""
    every = content.sites(house.db())
    found = next((site for site in every if site.id == site_id), None) if site_id else next(iter(every), None)
    if found is None:
        abort(404)
    return found


def _site_of(found: Preset) -> SiteRecord:
    return _site(found.site_id)


def _preset(preset_id: str) -> Preset:
    found = presets.preset(house.db(), preset_id) if is_id(preset_id) else None
    if found is None:
        abort(404)
    return found


def _titles(site: SiteRecord) -> dict[str, str]:
    return {module.key: module.title for module in content.modules_in_force(house.db(), site.id, house.now())}


def _keys(site: SiteRecord) -> set[str]:
    return set(_titles(site))


def _missing(found: Preset) -> tuple[str, ...]:
    in_force = {each.key for each in content.modules_in_force(house.db(), found.site_id, house.now())}
    return tuple(key for key in found.content.leads_to if key not in in_force)


def _may_write() -> bool:
    return may(identity.person(), Permission.PRESET_WRITE)


def _most() -> int:
    return house.settings().link_days


def _me() -> Actor:
    return Actor.staff(identity.person().id)
