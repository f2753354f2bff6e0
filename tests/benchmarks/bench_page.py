"""Measures the personal home page against a bare Flask hello: gunicorn 2×4, SQLite, everything durable.

Run with `python -m tests.benchmarks.bench_page [--seconds 8]`; prints requests a second and their ratio.
"""

import argparse
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = "atorvastatin-us-en"
DOCTORS = ("H-1001", "H-1002", "H-1003", "H-2001")
GUNICORN = ("-m", "gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--log-level", "error")
HELLO = "from flask import Flask\napp = Flask(__name__)\n@app.get('/m/')\ndef hello():\n    return 'hello'\n"


def main() -> None:
    """Start both, ask both in turn, three times, and print the median ratio."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--seconds", type=float, default=8.0)
    wanted.add_argument("--connections", type=int, default=8)
    wanted.add_argument("--port", type=int, default=8201)
    given = wanted.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hello.py").write_text(HELLO)
        environment = _environment(folder, given.port)
        for words in (["db", "upgrade"], ["demo", "seed"]):
            _flask(words, environment)
        hello = _start(["hello:app"], {**environment, "PYTHONPATH": name}, given.port + 1, cwd=folder)
        portal = _start(["wsgi:app"], environment, given.port, cwd=ROOT)
        try:
            _wait(given.port + 1)
            _wait(given.port)
            cookies = [_enter(environment, given.port, ref) for ref in DOCTORS]
            _load(given.port, cookies, given.connections, 1.0)
            ratios = []
            for _ in range(3):
                page = _load(given.port, cookies, given.connections, given.seconds)
                bare = _load(given.port + 1, [""], given.connections, given.seconds)
                ratios.append(page / bare)
                print(f"page {page:7.1f}/s   hello {bare:7.1f}/s   ratio {page / bare:.3f}")
            print(f"median ratio {sorted(ratios)[1]:.3f}")
        finally:
            for process in (portal, hello):
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=20)


def _environment(folder: Path, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {
        **inherited,
        "PORTAL_SECRET_KEY": "bench-key-" + "k" * 32,
        "PORTAL_DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite'}",
        "PORTAL_INSTANCE_PATH": str(folder),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PYTHONPATH": str(ROOT),
    }


def _flask(words: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def _start(target: list[str], environment: dict[str, str], port: int, *, cwd: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, *GUNICORN, "--bind", f"127.0.0.1:{port}", *target]
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


def _enter(environment: dict[str, str], port: int, ref: str) -> str:
    """Open a fresh link of a doctor and return the cookies of the visit."""
    url = _flask(["links", "issue", "--hcp", ref, "--site", SITE], environment).strip()
    path = url[url.index("/v/") :]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    nonce = re.search(rb'name="nonce" value="([^"]+)"', connection.getresponse().read())
    assert nonce
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-User": "?1",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
    }
    connection.request("POST", path, body=f"nonce={nonce[1].decode()}", headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    return "; ".join(cookies)


def _load(port: int, cookies: list[str], connections: int, seconds: float) -> float:
    """Ask for the page over several kept connections and return answers a second."""
    until = time.perf_counter() + seconds
    counts = [0] * connections

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Cookie": cookies[place % len(cookies)]}
        while time.perf_counter() < until:
            connection.request("GET", "/m/", headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            counts[place] += 1

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
