"""Static files: `?v=<hash>` so that a changed file has a new address, compressed once and kept by browsers for good."""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from whitenoise import WhiteNoise

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_STATIC = Path(__file__).parent.parent / "static"
_PREFIX = "/static/"
_YEAR_S = 365 * 24 * 3600
_FOR_GOOD = f"public, max-age={_YEAR_S}, immutable"
_TYPES = {
    ".css": 'text/css; charset="utf-8"',
    ".js": 'text/javascript; charset="utf-8"',
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Accept-Encoding",
}


@cache
def static_url(name: str) -> str:
    """Return `/static/<name>?v=<hash>`; raises FileNotFoundError for a file that is not there."""
    return f"{_PREFIX}{name}?v={_digest(name)}"


def takes_gzip(environ: Mapping[str, Any]) -> bool:
    """Tell whether the one who asks takes gzip."""
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
    if "gzip" not in accepted:
        return False
    codings = dict(coding.replace(" ", "").partition(";q=")[::2] for coding in accepted.split(","))
    weight = codings.get("gzip")
    return weight is not None and (weight == "" or weight.strip("0.") != "")


def install(app: Flask) -> None:
    """Serve the static folder before Flask is asked."""
    app.jinja_env.globals["static_url"] = static_url
    plain = WhiteNoise(
        app.wsgi_app,
        root=str(_STATIC),
        prefix="static/",
        max_age=_YEAR_S,
        allow_all_origins=False,
        add_headers_function=_headers,
        immutable_file_test=lambda _path, _url: True,
    )
    vars(app)["wsgi_app"] = _compressed_before(plain)


def _compressed_before(plain: "WSGIApplication") -> "WSGIApplication":
    """Answer with a file's compressed form where it has one and the one who asks takes it."""
    names = {
        path.relative_to(_STATIC).as_posix() for path in _STATIC.rglob("*") if path.suffix in _TYPES and path.is_file()
    }

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        name = path[len(_PREFIX) :] if path.startswith(_PREFIX) else ""
        method = environ.get("REQUEST_METHOD")
        if name not in names or method not in ("GET", "HEAD") or not takes_gzip(environ):
            return plain(environ, start_response)
        tag = f'"{_digest(name)}-gzip"'
        lines = [*_HEADERS.items(), ("Cache-Control", _FOR_GOOD), ("ETag", tag)]
        if tag in environ.get("HTTP_IF_NONE_MATCH", ""):
            start_response("304 Not Modified", lines)
            return []
        body = _packed(name)
        lines += [("Content-Type", _TYPES[Path(name).suffix]), ("Content-Encoding", "gzip")]
        start_response("200 OK", [*lines, ("Content-Length", str(len(body)))])
        return [body] if method == "GET" else []

    return answer


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


@cache
def _packed(name: str) -> bytes:
    return gzip.compress((_STATIC / name).read_bytes(), 9, mtime=0)


def _headers(headers: dict[str, str], _path: str, _url: str) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
