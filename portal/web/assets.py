"""Addresses of static files: `?v=<hash>` so that a changed file has a new address."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

_STATIC = Path(__file__).parent.parent / "static"
_YEAR_S = 365 * 24 * 3600


@cache
def static_url(name: str) -> str:
    """Return `/static/<name>?v=<hash>`; raises FileNotFoundError for a file that is not there."""
    return f"/static/{name}?v={hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]}"


def install(app: Flask) -> None:
    """Serve the static folder before Flask is asked."""
    app.jinja_env.globals["static_url"] = static_url
    served = WhiteNoise(
        app.wsgi_app,
        root=str(_STATIC),
        prefix="static/",
        max_age=_YEAR_S,
        allow_all_origins=False,
        add_headers_function=_headers,
    )
    vars(app)["wsgi_app"] = served


def _headers(headers: dict[str, str], _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Robots-Tag"] = "noindex"
    headers["Content-Security-Policy"] = "default-src 'none'"
