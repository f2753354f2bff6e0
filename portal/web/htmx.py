"""The one file that knows htmx: whether a request asks for a part of a page, and which headers answer it."""

from typing import Any

from flask import Flask, Response, make_response, render_template
from htmx_flask import Htmx, request
from jinja2_fragments.flask import render_block

_htmx = Htmx()


def install(app: Flask) -> None:
    """Bind htmx-flask to the application."""
    _htmx.init_app(app)


def wants_part() -> bool:
    """Tell whether htmx asks for a part; a history restore wants the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def page_or_part(template: str, block: str, status: int = 200, **context: Any) -> Response:
    """Return the whole page, or only its block where htmx asks; one view and one template serve both."""
    body = render_block(template, block, **context) if wants_part() else render_template(template, **context)
    response = make_response(body, status)
    response.vary.add("HX-Request")
    return response
