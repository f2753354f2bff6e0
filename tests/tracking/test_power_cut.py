"""A beat that was answered survives a power cut at any moment, and no cut leaves a half counted one."""

import json
import random
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from portal import clock
from portal.db import Base, Database
from portal.tracking.actions import take_beats
from portal.tracking.credential import Mint
from portal.tracking.models import DailyDwell, PageView, SectionView
from tests.tracking.disk import watched
from tests.tracking.test_kill import KEY, page_of
from tests.tracking.timelines import Timeline, raw

READERS = 3


def test_a_power_cut_loses_no_answered_beat(tmp_path: Path) -> None:
    assert cut_everywhere(tmp_path, beats=30, cuts=80)["answered_at_the_cuts"] > 0


@pytest.mark.long
def test_ten_thousand_power_cuts_lose_no_answered_beat(tmp_path: Path) -> None:
    sys.stdout.write(json.dumps(cut_everywhere(tmp_path, beats=400, cuts=10_000)) + "\n")


def cut_everywhere(folder: Path, *, beats: int, cuts: int) -> dict[str, int]:
    """Take `beats`, cut the power at `cuts` moments of it, and look at what is there after each; return the figures."""
    dice = random.Random(9)
    used, after = folder / "used", folder / "after"
    used.mkdir()
    mint, at = Mint([KEY]), clock.now()
    database = Database(f"sqlite:///{used / 'portal.sqlite'}")
    Base.metadata.create_all(database.engine)
    with database.writing() as db:
        credentials = [page_of(db, mint, at) for _ in range(READERS)]
    database.close()
    with watched(used) as disk:
        database = Database(f"sqlite:///{used / 'portal.sqlite'}")
        with database.reading() as db:
            db.execute(text("PRAGMA wal_autocheckpoint=60"))  # the log is carried over many times, not once
        lines = [Timeline() for _ in credentials]
        for turn in range(beats):
            place = turn % READERS
            line = lines[place]
            line.live("read", 900, "efficacy")
            at += timedelta(seconds=1)
            with database.writing() as db:
                body = raw(line.message() | {"c": credentials[place], "n": min(line.n, 50)})
                [answer] = take_beats(db, [body], mint=mint, at=at)
            if answer.status == 204:
                disk.mark((credentials[place][:32], line.counters["eng"]))
        database.close()
    moments = disk.cuts() if cuts >= len(disk.steps) else dice.sample(disk.cuts(), cuts)
    answered = done = 0
    while done < cuts:
        for moment in moments[: cuts - done]:
            shutil.rmtree(after, ignore_errors=True)
            after.mkdir()
            marks = dict(disk.after_cut(moment, after, dice))
            _is_whole(after, marks)
            answered += len(marks)
            done += 1
    syncs = sum(step.kind == "sync" for step in disk.steps)
    return {
        "beats": beats,
        "steps": len(disk.steps),
        "syncs": syncs,
        "cuts": cuts,
        "answered_at_the_cuts": answered,
        "lost": 0,
        "half": 0,
    }


def _is_whole(folder: Path, marks: dict[str, int]) -> None:
    database = Database(f"sqlite:///{folder / 'portal.sqlite'}")
    with database.reading() as db:
        assert db.scalar(text("PRAGMA integrity_check")) == "ok"
        stored = dict(db.execute(select(PageView.id, PageView.eng_ms)).all())
        rolled_up = db.scalar(select(func.sum(DailyDwell.eng_ms))) or 0
        by_section = db.scalar(select(func.sum(SectionView.attention_ms))) or 0
    database.close()
    for view, dwell in marks.items():
        assert (stored[view] or 0) >= dwell, "an answered beat was lost"
    total = sum(dwell or 0 for dwell in stored.values())
    assert rolled_up == total == by_section, "a beat was counted by half"


def test_the_harness_sees_a_commit_that_was_not_synced(tmp_path: Path) -> None:
    """Were SQLite told not to sync each commit, cuts would lose answered ones: this disk finds it out."""
    used, after = tmp_path / "used", tmp_path / "after"
    used.mkdir()
    with watched(used) as disk:
        database = Database(f"sqlite:///{used / 'x.sqlite'}")
        with database.engine.connect() as db:
            db.exec_driver_sql("ROLLBACK")
            db.exec_driver_sql("PRAGMA synchronous=NORMAL")
            db.exec_driver_sql("CREATE TABLE t (n INTEGER)")
            for number in range(20):
                db.exec_driver_sql(f"INSERT INTO t VALUES ({number})")
                disk.mark(number)
            steps = len(disk.steps)
    database.close()
    lost = 0
    for seed in range(10):
        shutil.rmtree(after, ignore_errors=True)
        after.mkdir()
        marks = disk.after_cut(steps, after, random.Random(seed))
        again = Database(f"sqlite:///{after / 'x.sqlite'}")
        with again.reading() as db:
            there = db.scalar(text("SELECT count(*) FROM sqlite_master")) and db.scalar(text("SELECT count(*) FROM t"))
        again.close()
        lost += (there or 0) < len(marks)
    assert lost > 0
