"""The hidden field of staff forms: a token bound to the staff session, beside the origin check of every request."""

import hashlib
import hmac

from flask import Flask, abort, current_app, request
from flask_login import current_user

from portal.web import guards, house

FIELD = "csrf_token"


def install(app: Flask) -> None:
    """Give templates `csrf_token()` and check the field on unsafe requests of signed-in staff."""
    app.jinja_env.globals["csrf_token"] = csrf_token
    app.before_request(_check)


def csrf_token() -> str:
    """Return the token of this staff session, empty where nobody is signed in."""
    if not current_user.is_authenticated:
        return ""
    key = house.settings().secret_key[-1].encode()
    return hmac.digest(key, b"csrf" + current_user.get_id().encode(), hashlib.sha256).hex()


def _check() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None:
        return
    declared = guards.declaration_of(current_app, request.endpoint)
    if declared is None or declared.public is not guards.Public.STAFF or not current_user.is_authenticated:
        return
    given = request.form.get(FIELD) or request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(given.encode(), csrf_token().encode()):
        abort(400, description="csrf")
