"""Draws every layout and component with sample content and serves the pages under the portal's content security policy.

Run it to look at them: `.venv/bin/python -m tests.web.gallery.gallery [port] [directory for screenshots]`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import jinja2

from portal.web import error_words, formats
from tests.browser import FLAGS, chromium_path

HERE = Path(__file__).parent
PORTAL = HERE.parents[2] / "portal"
NOW = datetime(2026, 11, 14, 8, 12, tzinfo=UTC)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; font-src 'none'; media-src 'self'; "
    "manifest-src 'self'"
)
PAGES = tuple(sorted(path.stem for path in (HERE / "templates").glob("[a-z]*.html")))


def environment() -> jinja2.Environment:
    """Gives a plain template environment that refuses undefined names, with the globals the application supplies."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([HERE / "templates", PORTAL / "templates"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        duration_ms=formats.duration,
        when=partial(formats.when, tz="Europe/Paris"),
        ago=partial(formats.ago, now=NOW),
    )
    env.globals.update(
        static_url=lambda name: f"/static/{name}",
        csrf_token=lambda: "sample",
        get_flashed_messages=lambda with_categories=False: [],
        now=NOW,
    )
    return env


def draw(page: str) -> str:
    """Gives the HTML of one gallery page; `error-404` and its like are the error pages."""
    if page.startswith("error-"):
        status = int(page.removeprefix("error-"))
        words = error_words.words_for(status)
        template = environment().get_template("errors/page.html")
        return template.render(words=words, status=status, reference="7f3a91c2")
    return environment().get_template(f"{page}.html").render(sample=SimpleNamespace(now=NOW), page=page)


class Gallery(BaseHTTPRequestHandler):
    """Answers gallery pages and static files, with the headers the portal sends."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/static/") and ".." not in path:
            file = PORTAL / path.lstrip("/")
            if file.is_file():
                return self.answer(200, file.read_bytes(), guess_type(file.name)[0] or "application/octet-stream")
        name = path.strip("/") or "index"
        if name == "index":
            links = "".join(f'<li><a href="/{page}">{page}</a></li>' for page in (*PAGES, "error-404"))
            return self.answer(200, f"<!doctype html><title>Gallery</title><ul>{links}</ul>".encode())
        if name in PAGES or name.startswith("error-"):
            return self.answer(200, draw(name).encode())
        return self.answer(404, b"nothing here", "text/plain")

    def answer(self, status: int, body: bytes, kind: str = "text/html; charset=utf-8") -> None:
        """Sends one whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


@contextmanager
def served(port: int = 0) -> Iterator[str]:
    """Serves the gallery while the block runs and gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Gallery)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def photograph(address: str, into: Path, pages: tuple[str, ...]) -> None:
    """Saves each page at 360 and 1280 pixels, light and dark, as `<page>-<width>-<scheme>.png`."""
    from playwright.sync_api import sync_playwright

    into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for width, height in ((360, 640), (1280, 800)):
            for scheme in ("light", "dark"):
                shown = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="light" if scheme == "light" else "dark",
                )
                for page in pages:
                    shown.goto(f"{address}/{page}")
                    shown.screenshot(path=into / f"{page}-{width}-{scheme}-first.png")
                    whole = shown.evaluate("document.documentElement.scrollHeight")
                    shown.set_viewport_size({"width": width, "height": whole})
                    shown.evaluate("scrollTo(0, 0)")
                    shown.screenshot(path=into / f"{page}-{width}-{scheme}.png")
                    shown.set_viewport_size({"width": width, "height": height})
                shown.close()
        browser.close()


if __name__ == "__main__":
    chosen = int(sys.argv[1]) if len(sys.argv) > 1 else 8140
    with served(chosen) as where:
        if len(sys.argv) > 2:
            photograph(where, Path(sys.argv[2]), tuple(sys.argv[3:]) or (*PAGES, "error-404"))
        else:
            print(where)
            threading.Event().wait()
