"""A doctor's page as staff may look at it: at any instant, inert, counted nowhere."""

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, current_app, render_template, request

from portal.content import queries as content
from portal.microsite import desks, previews
from portal.microsite.serve import Desk
from portal.staff.roles import Permission
from portal.web import assets, guards, headers, house

bp = Blueprint("preview", __name__, url_prefix="/staff/preview")


@bp.get("/<string:hcp_id>")
@guards.staff(Permission.PREVIEW)
def frame(hcp_id: str) -> str:
    """Show the page in a frame, with the instant and the site to choose."""
    at, wrong = _instant()
    shown = previews.of(house.db(), _desk(), hcp_id, _site(), at=at, now=house.now())
    if shown is None:
        abort(404)
    headers.allow_own_frames()
    return render_template(
        "microsite/preview.html", shown=shown, at=at, wrong=wrong, sites=content.sites(house.db()), hcp_id=hcp_id
    )


@bp.get("/<string:hcp_id>/page")
@guards.staff(Permission.PREVIEW)
def page(hcp_id: str) -> Response:
    """Show the page itself: no script, no form, no page view."""
    at, _wrong = _instant()
    shown = previews.of(house.db(), _desk(), hcp_id, _site(), at=at, now=house.now())
    if shown is None or shown.html is None:
        abort(404)
    headers.framed_and_inert()
    return Response(shown.html, mimetype="text/html")


def _instant() -> tuple[datetime, str]:
    """Return the instant asked for and what was wrong with it; now where none or a wrong one was given."""
    given = request.args.get("at", "").strip()
    if not given:
        return house.now(), ""
    try:
        at = datetime.fromisoformat(given)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC), ""
    except (ValueError, OverflowError):  # a zone can carry the first or the last day out of the calendar
        return house.now(), "That is no moment; write one such as 2026-11-14 09:12. The page is shown as of now."


def _site() -> str:
    known = content.sites(house.db())
    wanted = request.args.get("site", known[0].key if known else "")
    site = next((site for site in known if site.key == wanted), None)
    if site is None:
        abort(404)
    return site.id


def _desk() -> Desk:
    return desks.desk_in(current_app.extensions, house.settings(), assets.static_url)
