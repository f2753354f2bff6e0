"""A small site with pages to measure; the portal's own tracking room takes their beats, on a real database."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from sqlalchemy import select

from portal import clock, create_app, load_tables
from portal.access import models as access
from portal.config import Settings
from portal.content import models as content
from portal.db import Base, Database, new_id
from portal.hcp import models as hcp
from portal.tracking.actions import open_view
from portal.tracking.credential import Mint
from portal.tracking.models import PageView
from portal.tracking.queries import sections_of
from portal.tracking.records import ViewRow

SCRIPT = Path(__file__).parents[3] / "portal" / "static" / "js" / "dwell.js"
KEY = "dwell-harness-" + "k" * 32
SECTIONS = ("one", "two", "three", "four")
MANY = ("one", *(f"one-of-many-sections-with-long-names-{number:02}" for number in range(2, 61)))
HCP = "d" * 32
VISIT = "e" * 32
SITE = "f" * 32

_STYLE = (
    "body{margin:0;font:16px sans-serif}section{height:100vh;overflow:hidden}"
    "iframe,canvas,video{display:block;height:200px}"
)
_TEXT = "Plain words that somebody reads. "


class Site:
    """Pages under /p/LABEL, beats under /b; every view lands in one SQLite file."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.database = Database(f"sqlite:///{folder / 'dwell.sqlite'}")
        load_tables()
        Base.metadata.create_all(self.database.engine)
        _seed(self.database)
        settings = Settings(secret_key=(KEY,), database_url=self.database.url.render_as_string(), instance_path=folder)
        self.mint = Mint(settings.secret_key)
        self._portal = create_app(settings)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self.database.close()

    def views(self, prefix: str) -> list[ViewRow]:
        """Return the page views whose label begins with `prefix`, oldest first."""
        with self.database.reading() as db:
            found = db.scalars(
                select(PageView).where(PageView.page.startswith(prefix)).order_by(PageView.opened_at)
            ).all()
            sections = sections_of(db, [view.id for view in found])
            return [ViewRow.of(view, sections.get(view.id, ())) for view in found]

    def _take(self, raw: bytes, headers: dict[str, str]) -> int:
        """Give a beat to the portal itself, with every header that the browser sent."""
        return self._portal.test_client().post("/b", data=raw, headers=headers).status_code

    def _page(self, label: str, options: dict[str, str]) -> str:
        at = clock.now()
        words = int(options.get("words", "300"))
        keys = MANY if "many" in options else SECTIONS
        with self.database.writing() as db:
            view = open_view(
                db,
                hcp_id=HCP,
                visit_id=VISIT,
                site_id=SITE,
                page=label,
                arrangement_id=None,
                sections=[(key, key, "v" * 32, ("topic",), words) for key in keys],
                mode="identified",
                feeds_profile=True,
                at=at,
            )
        credential = self.mint.credential(view.id, nonce=new_id()[:12], at=at)
        journal = ' data-journal="1"' if "journal" in options else ""
        body = "".join(
            f'<section data-section="{key}" data-words="{words}"><h2>{key}</h2>{_extra(options, key)}'
            f"<p>{_TEXT * 20}</p></section>"
            for key in keys
            if key not in options  # one that comes later
        )
        return (
            f'<main data-view="{credential}" data-beacon="/b" data-grace="5000" data-idle="60000"'
            f' data-idle-least="30000" data-idle-most="180000" data-words-per-minute="200"{journal}>{body}</main>'
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Serve a page, a part of one, or the script."""
                split = urlsplit(self.path)
                options = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
                if split.path == "/dwell.js":
                    time.sleep(float(options.get("delay", "0")))
                    self._answer(200, "text/javascript", SCRIPT.read_bytes())
                elif split.path.startswith("/part/"):
                    self._answer(200, "text/html", site._page(split.path[6:], options).encode())
                elif split.path.startswith("/p/"):
                    self._answer(200, "text/html", _document(site._page(split.path[3:], options), options).encode())
                elif split.path == "/frame":
                    self._answer(200, "text/html", b"<!doctype html><title>f</title><input autofocus>")
                else:
                    self._answer(200, "text/html", _plain(options).encode())

            def do_POST(self) -> None:
                """Take a beat."""
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self._answer(site._take(raw, dict(self.headers.items())), "text/plain", b"")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Type", f"{kind}; charset=utf-8")
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "private, no-cache")
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

        return Handler


def _document(main: str, options: dict[str, str]) -> str:
    delay = options.get("delay", "0")
    return (
        f"<!doctype html><html lang=en><title>Page</title><style>{_STYLE}</style><body><div id=stage>{main}</div>"
        f'<script src="/dwell.js?delay={delay}" async></script></body></html>'
    )


def _plain(options: dict[str, str]) -> str:
    rules = ""
    if "prerender" in options:
        rules = (
            '<script type="speculationrules">{"prerender":[{"source":"list","urls":["'
            + options["prerender"]
            + '"],"eagerness":"immediate"}]}</script>'
        )
        if "after" in options:
            rules += f"<script>setTimeout(()=>location.href='{options['prerender']}',{options['after']})</script>"
    return f"<!doctype html><html lang=en><title>Elsewhere</title>{rules}<body><h1>Elsewhere</h1></body></html>"


def _extra(options: dict[str, str], key: str) -> str:
    if key != "one":
        return ""
    if "frame" in options:
        host = f"//{options['frame']}" if options["frame"] else ""
        return f'<iframe src="{host}/frame" width=400></iframe>'
    if "video" in options:
        return "<canvas id=c width=200 height=100></canvas><video id=v muted playsinline></video>"
    return ""


def _seed(database: Database) -> None:
    """Write the doctor whose visit every page belongs to, with consent to measuring and profiling."""
    at = clock.now()
    later = at + timedelta(days=1)
    with database.writing() as db:
        db.add(
            content.Site(
                id=SITE, key="s", brand="B", generic="g", market="US", language="en", settings={}, created_at=at
            )
        )
        db.add(hcp.Hcp(id=HCP, ref="H-1", created_at=at))
        db.flush()  # the link names both
        for purpose, decision in (("tracking", "identified"), ("profiling", "given")):
            row = {"site_id": None, "purpose": purpose, "decision": decision, "source": "tests", "wording": ""}
            db.add(hcp.Consent(id=new_id(), hcp_id=HCP, at=at, **row))
        link = access.Link(
            id=new_id(), hcp_id=HCP, site_id=SITE, modules=[], channel="qr", created_at=at, expires_at=later
        )
        db.add(link)
        db.flush()  # the visit names it
        ours = {"hcp_id": HCP, "site_id": SITE}
        visit = {"token_hash": "0" * 64, "link_id": link.id, "confidence": "device"} | ours
        db.add(access.Visit(id=VISIT, **visit, grade=2, marks=[], opened_at=at, expires_at=later))


@contextmanager
def site_in(folder: Path, *, port: int = 0) -> Iterator[Site]:
    """Give a site whose database lies in `folder`."""
    site = Site(folder, port=port)
    try:
        yield site
    finally:
        site.close()
