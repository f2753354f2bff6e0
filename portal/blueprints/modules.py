"""A new article or question begun in the studio: its words, and what a question offers as answers."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import beginnings, queries
from portal.content.actions import ContentRefused
from portal.content.queries import SiteRecord
from portal.staff.roles import Permission
from portal.web import guards, house, identity

bp = Blueprint("modules", __name__, url_prefix="/staff/content/modules")

_FIELDS = ("kind", "key", "title", "summary", "body", "answers")
# What a refusal speaks of, the first that fits.
_OF_KEYS = ("a key ", "the key ", "this site has a module")
_PLACES = (("answer", "answers"), ("title", "title"), ("summary", "summary"), ("topic", "topics"), ("the kind", "kind"))


@bp.get("/new")
@guards.staff(Permission.CONTENT_WRITE)
def new() -> ResponseReturnValue:
    """Ask what the new module is and says."""
    return _page(_site(request.args.get("site", "")), {"kind": "article"}, [])


@bp.post("/new")
@guards.staff(Permission.CONTENT_WRITE)
def begin() -> ResponseReturnValue:
    """Make the module with its first draft, and go on to that version."""
    site = _site(request.form.get("site", ""))
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    topics = request.form.getlist("topics")
    by = Actor.staff(identity.person().id)
    try:
        version_id = beginnings.begin_module(house.db(), site.id, **typed, topics=topics, by=by, at=house.now())
    except ContentRefused as refused:
        house.db().rollback()
        return _page(site, typed, topics, [(_field_of(str(refused)), str(refused))]), 422
    flash("The module is begun. Nobody but staff sees it before a second person approves it.", "good")
    return redirect(url_for("studio.version", version_id=version_id), code=303)


def _field_of(sentence: str) -> str:
    said = sentence.lower()
    if said.startswith(_OF_KEYS) and not said.startswith("the key of an answer"):
        return "key"
    return next((field for word, field in _PLACES if word in said), "body")


def _page(
    site: SiteRecord, typed: dict[str, str], topics: list[str], errors: list[tuple[str, str]] | None = None
) -> str:
    return render_template(
        "studio/new_module.html",
        site=site,
        typed=typed,
        ticked=topics,
        errors=errors or [],
        topics=[(topic.key, topic.name) for topic in queries.topics(house.db(), site.id)],
    )


def _site(key: str) -> SiteRecord:
    return next((site for site in queries.sites(house.db()) if site.key == key or not key), None) or abort(404)
