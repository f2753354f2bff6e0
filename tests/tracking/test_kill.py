"""Beats survive kill -9: what was answered 204 is there afterwards, and nothing is there twice."""

import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import clock
from portal.db import Base, Database
from portal.tracking.actions import Answer, open_view, take_beats
from portal.tracking.credential import Mint
from portal.tracking.models import DailyDwell, PageView
from tests.tracking.timelines import Timeline, raw

KEY = "k" * 40
DOCTOR, VISIT, SITE = "d" * 32, "e" * 32, "f" * 32
WRITERS = 4


def test_killed_workers_lose_no_answered_beat(tmp_path: Path) -> None:
    assert storm(tmp_path, kills=4)["answered"] > 0


@pytest.mark.long
def test_two_hundred_kills_lose_no_answered_beat(tmp_path: Path) -> None:
    figures = storm(tmp_path, kills=200)
    sys.stdout.write(json.dumps(figures) + "\n")


def test_what_is_answered_is_written_through(database: Database) -> None:
    with database.writing() as db:
        if database.is_sqlite:
            assert db.scalar(text("PRAGMA synchronous")) == 2  # FULL: NORMAL loses acknowledged rows in a power cut
        else:
            assert db.scalar(text("SHOW synchronous_commit")) == "on"


def storm(folder: Path, *, kills: int) -> dict[str, int]:
    """Kill the process that takes beats `kills` times under load; return how many beats were answered."""
    url = f"sqlite:///{folder / 'kill.sqlite'}"
    database = Database(url)
    Base.metadata.create_all(database.engine)
    mint = Mint([KEY])
    at = clock.now()
    with database.writing() as db:
        credentials = [page_of(db, mint, at) for _ in range(WRITERS)]
    port_file = folder / "port"
    stop = threading.Event()
    answered = [0] * WRITERS
    counted = [0] * WRITERS
    writers = [
        threading.Thread(target=_write, args=(port_file, credentials[place], place, stop, answered, counted))
        for place in range(WRITERS)
    ]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # a worker is up in moments
    dice = random.Random(3)
    worker = context.Process(target=_serve, args=(url, str(port_file)))
    worker.start()
    for writer in writers:
        writer.start()
    for _ in range(kills):
        _until_serving(port_file, worker.pid or 0)
        time.sleep(dice.uniform(0.02, 0.25))
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        worker = context.Process(target=_serve, args=(url, str(port_file)))
        worker.start()
    _until_serving(port_file, worker.pid or 0)
    time.sleep(0.3)
    stop.set()
    for writer in writers:
        writer.join()
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    with database.reading() as db:
        stored = dict(db.execute(select(PageView.id, PageView.eng_ms)).all())
        total = db.scalar(select(func.sum(DailyDwell.eng_ms))) or 0
    database.close()
    dwells = [stored[credential[:32]] or 0 for credential in credentials]
    for dwell, last in zip(dwells, answered, strict=True):
        assert dwell >= last, "an answered beat was lost"
    # Whatever was cut off and sent again, roll-up and views agree to the millisecond.
    assert total == sum(dwells), "a beat was counted twice"
    return {"kills": kills, "answered": sum(counted), "lost": 0, "doubled": 0}


def page_of(db: Any, mint: Mint, at: Any) -> str:
    view = open_view(
        db,
        hcp_id=DOCTOR,
        visit_id=VISIT,
        site_id=SITE,
        page="home",
        arrangement_id=None,
        sections=[("efficacy", "efficacy", "v" * 32, ("data",), 100)],
        mode="identified",
        feeds_profile=True,
        at=at,
    )
    return mint.credential(view.id, nonce="0" * 12, at=at)


def _serve(url: str, port_file: str) -> None:
    """Answer each line that holds a beat with its status, once it is durable."""
    database = Database(url)
    mint = Mint([KEY])

    def settle(db: Session, raws: list[bytes]) -> list[Answer]:
        return take_beats(db, raws, mint=mint, at=clock.now())

    listener = socket.create_server(("127.0.0.1", 0))

    def talk(peer: socket.socket) -> None:
        with peer, peer.makefile("rwb") as lines:
            for line in lines:
                lines.write(b"%d\n" % database.together.do(settle, line.rstrip(b"\n")).status)
                lines.flush()

    draft = Path(port_file + ".new")
    draft.write_text(f"{os.getpid()} {listener.getsockname()[1]}")
    draft.replace(port_file)
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=talk, args=(peer,), daemon=True).start()


def _write(
    port_file: Path, credential: str, place: int, stop: threading.Event, answered: list[int], counted: list[int]
) -> None:
    line = Timeline()
    while not stop.is_set():
        line.live("read", 1, "efficacy")
        body = raw(line.message() | {"c": credential, "n": min(line.n, 50)})
        while not stop.is_set():
            try:
                port = int(port_file.read_text().split()[1])
                with socket.create_connection(("127.0.0.1", port), 5) as peer, peer.makefile("rwb") as lines:
                    lines.write(body + b"\n")
                    lines.flush()
                    if lines.readline() == b"204\n":
                        answered[place] = line.counters["eng"]
                        counted[place] += 1
                        break
            except (OSError, ValueError, IndexError):
                time.sleep(0.01)


def _until_serving(port_file: Path, process: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if port_file.exists() and port_file.read_text().split()[0] == str(process):
            return
        time.sleep(0.02)
    raise AssertionError("the worker did not come up")
