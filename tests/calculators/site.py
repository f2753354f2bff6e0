"""A small page server for calculators: the real templates, styles and script, under the portal's own policy."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from portal.calculators import page, registry

PORTAL = Path(__file__).resolve().parents[2] / "portal"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_PAGE = """{% from "calculators/calculator.html" import calculator %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ view.title }}</title>
{% for name in ("tokens", "base", "components", "site", "calculator") %}
<link rel="stylesheet" href="/static/css/{{ name }}.css">{% endfor %}<link rel="icon" href="data:,"></head>
<body class="site"><main class="site-main" id="content"><div class="site-wrap stack">
<header><h1>{{ view.title }}</h1></header>
<div>{{ calculator(view) }}</div></div></main>
<script src="/static/js/calculator.js" defer></script><script src="/listen.js" defer></script></body></html>"""
# Stands for the measuring script: keeps what the page reports.
_LISTEN = "window.heard = []; document.addEventListener('portal:event', (e) => window.heard.push(e.detail));"


@dataclass
class Site:
    """A running server and every request line, header and body it was sent."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve(port: int = 0) -> Iterator[Site]:
    """Serves `/NAME` for every calculator on a port of the machine itself; port 0 takes any free one."""
    pages = Environment(loader=FileSystemLoader(PORTAL / "templates"), autoescape=True)
    template = pages.from_string(_PAGE)
    site = Site("")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(f"{self.requestline}\n{self.headers}")
            path = self.path.split("?")[0].strip("/")
            if path in registry.names():
                self._give(template.render(view=page.view(registry.get(path))).encode(), "text/html; charset=utf-8")
            elif path == "listen.js":
                self._give(_LISTEN.encode(), "text/javascript")
            elif path.startswith("static/") and (PORTAL / path).is_file() and ".." not in path:
                self._give((PORTAL / path).read_bytes(), _TYPES.get(Path(path).suffix, "text/plain"))
            else:
                self._give(b"", "text/plain", 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            site.requests.append(f"{self.requestline}\n{self.headers}\n{body.decode(errors='replace')}")
            self._give(b"", "text/plain", 404)

        def _give(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    with serve(8110) as running:
        print(running.url)
        threading.Event().wait()
