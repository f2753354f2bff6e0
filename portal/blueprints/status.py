"""`/healthz`, `/readyz` and robots.txt: for machines."""

from flask import Blueprint, Response, jsonify

from portal.db import migrate
from portal.web import guards, house

bp = Blueprint("status", __name__)


@bp.get("/healthz")
@guards.public("Load balancers ask whether the process is alive; it answers nothing else.")
def healthz() -> Response:
    """Answer that the process is alive."""
    return jsonify(status="alive")


@bp.get("/readyz")
@guards.public("Load balancers ask whether requests can be served; it answers with yes or no per part.")
def readyz() -> tuple[Response, int]:
    """Answer whether the database is reachable and its tables are up to date."""
    try:
        migrated = migrate.state(house.database()).is_up_to_date
        reachable = True
    except Exception:  # whatever is wrong with the database, the answer is that we are not ready
        migrated = reachable = False
    return jsonify(database=reachable, migrations=migrated), 200 if reachable and migrated else 503


@bp.get("/robots.txt")
@guards.public("Search engines are told to index nothing.")
def robots() -> Response:
    """Answer that nothing here is for search engines."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")
