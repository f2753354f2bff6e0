"""A new calculator begun in the studio: its key, title, purpose and topic, from nothing or from one that is there."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import beginnings, queries
from portal.content.actions import ContentRefused
from portal.content.queries import SiteRecord
from portal.staff.roles import Permission
from portal.web import guards, house, identity

bp = Blueprint("calculators", __name__, url_prefix="/staff/content/calculators")

_FIELDS = ("key", "title", "purpose", "topic", "pattern")
_PLACES = (("title", "title"), ("purpose", "purpose"), ("topic", "topic"), ("copied from", "pattern"))


@bp.get("/new")
@guards.staff(Permission.CONTENT_WRITE)
def new() -> ResponseReturnValue:
    """Ask what the new calculator is."""
    return _page(_site(request.args.get("site", "")), dict.fromkeys(_FIELDS, ""))


@bp.post("/new")
@guards.staff(Permission.CONTENT_WRITE)
def begin() -> ResponseReturnValue:
    """Make the module with its first draft, and go on to its definition."""
    site = _site(request.form.get("site", ""))
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    by = Actor.staff(identity.person().id)
    try:
        version_id = beginnings.begin_calculator(house.db(), site.id, **typed, by=by, at=house.now())
    except ContentRefused as refused:
        house.db().rollback()
        said = str(refused)
        field = next((field for word, field in _PLACES if word in said.lower()), "key")
        return _page(site, typed, [(field, said)]), 422
    flash("The calculator is begun. Write its definition; nobody but staff sees it before it is approved.", "good")
    return redirect(url_for("formulas.show", version_id=version_id), code=303)


def _page(site: SiteRecord, typed: dict[str, str], errors: list[tuple[str, str]] | None = None) -> str:
    db = house.db()
    return render_template(
        "studio/new_calculator.html",
        site=site,
        typed=typed,
        errors=errors or [],
        topics=[(topic.key, topic.name) for topic in queries.topics(db, site.id)],
        patterns=beginnings.patterns(db),
    )


def _site(key: str) -> SiteRecord:
    return next((site for site in queries.sites(house.db()) if site.key == key or not key), None) or abort(404)
