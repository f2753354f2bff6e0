"""Error pages: what happened, what to do, a reference; they need no database."""

import sqlite3

import structlog
from flask import Flask, Response, g, render_template, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from portal.web.error_words import words_for

_MOST_TAKEN = 64 * 1024 * 1024  # bytes
_TOKEN_ROADS = ("/v/", "/u/", "/p/", "/o/")
_AWAY_S = 5


def install(app: Flask) -> None:
    """Answer every error with the one plain page."""
    app.register_error_handler(HTTPException, _known)
    for away in (OperationalError, sqlite3.OperationalError):  # the second where a transaction cannot begin
        app.register_error_handler(away, _away)
    app.register_error_handler(Exception, _unknown)


def page(status: int) -> Response:
    """Return the error page for `status`."""
    body = render_template(
        "errors/page.html",
        words=words_for(status),
        status=status,
        reference=g.get("request_id", "-")[:8],
        onward=_onward(),
    )
    response = Response(body, status=status, mimetype="text/html")
    if request.headers.get("HX-Request"):
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _onward() -> tuple[str, str] | None:
    """Give the words and the address of the way on, by the part of the house; none where a token led in."""
    if request.path.startswith(("/m/", "/me/")):
        return "Back to my page", "/m/"
    if request.path.startswith("/staff/"):
        return "To my first page", "/staff/"
    return None if request.path[:3] in _TOKEN_ROADS else ("To the front page", "/")


def _known(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return Response(error.get_response().response, status=error.code or 302, headers=error.get_headers())
    g.reason = error.description if error.description in ("csrf", "cross-site") else ""
    response = page(error.code)
    if error.code == 413:
        _take_the_rest()
    if error.code == 405:
        response.headers["Allow"] = error.get_response().headers.get("Allow", "")
    return response


def _take_the_rest() -> None:
    """Read what is still coming and throw it away: a browser that is cut off while sending never shows the answer."""
    coming, source = request.content_length or 0, request.environ["wsgi.input"]
    if coming > _MOST_TAKEN:
        return
    while coming > 0:
        chunk = source.read(min(coming, 1 << 16))
        if not chunk:
            return
        coming -= len(chunk)


def _unknown(error: Exception) -> Response:
    structlog.get_logger().error("failed", id=g.get("request_id", ""), kind=type(error).__name__, exc_info=error)
    return page(500)


def _away(error: Exception) -> Response:
    """Answer 503: the database is locked, full or not to be reached; nothing of the request was kept."""
    structlog.get_logger().error("database away", id=g.get("request_id", ""), exc_info=error)
    response = page(503)
    response.headers["Retry-After"] = str(_AWAY_S)
    return response
