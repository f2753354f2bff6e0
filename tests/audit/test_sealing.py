"""Sealed is sealed: late commits included, and whatever is changed afterwards is found and named."""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal import clock
from portal.audit import Actor, record
from portal.audit.bundles import BundleRefused, bundle
from portal.audit.checking import Finding, check
from portal.audit.checkpoints import CheckpointRefused, Signer, load_signer, opened
from portal.audit.keeping import kept_notes, seal_all
from portal.audit.models import AuditPersonal
from portal.audit.sealing import log_size, newest_note, seal, unsealed
from portal.audit.verifier import Refused, main, verify
from portal.db import Database, new_id
from portal.staff.events import SignInRefused

NAME = "portal.example/audit"
BY = Actor.system("tests")
AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)


@pytest.fixture
def signer() -> Signer:
    """The key of a log."""
    return Signer(NAME, bytes(range(32)))


def write(db: Session, count: int = 1) -> list[str]:
    event = [SignInRefused(email=f"p{number}@clinic.example", reason="unknown", user=None) for number in range(count)]
    return [record(db, each, by=BY, at=clock.now()) for each in event]


def events(database: Database, count: int) -> list[str]:
    with database.writing() as db:
        return write(db, count)


def sealed(database: Database, signer: Signer, *, full: bool = False) -> str:
    with database.writing() as db:
        return seal(db, signer, at=clock.now(), full=full).note


def found(database: Database, signer: Signer, *trusted: str) -> Finding:
    with database.reading() as db:
        return check(db, signer.verifier_key, trusted=trusted)


def test_rounds_of_sealing_make_one_log_that_holds(database: Database, signer: Signer) -> None:
    for count in (3, 1, 8, 0, 5):
        events(database, count)
        sealed(database, signer)
    finding = found(database, signer)
    assert (finding.holds, finding.size, finding.waiting) == (True, 17, 0)
    with database.reading() as db:
        note = newest_note(db)
    assert note is not None
    checkpoint = opened(note, signer.verifier_key)
    assert (checkpoint.size, checkpoint.root.hex()) == (17, finding.root)


def test_an_empty_log_holds(database: Database, signer: Signer) -> None:
    assert found(database, signer).holds
    assert sealed(database, signer) == ""


def test_a_late_commit_is_sealed_later_and_never_skipped(postgres_database: Database, signer: Signer) -> None:
    with postgres_database.session(writing=True) as late:
        (late_id,) = write(late)
        events(postgres_database, 5)
        sealed(postgres_database, signer)
        with postgres_database.reading() as db:
            assert log_size(db) == 5
        late.commit()
    sealed(postgres_database, signer)
    with postgres_database.reading() as db:
        assert log_size(db) == 6
        assert unsealed(db) == 0
        assert list(bundle(db, signer.verifier_key, events=[late_id]))
    assert found(postgres_database, signer).holds


def test_erasing_personal_values_leaves_everything_provable(database: Database, signer: Signer) -> None:
    ids = events(database, 5)
    sealed(database, signer)
    with database.writing() as db:
        db.execute(delete(AuditPersonal).where(AuditPersonal.event_id == ids[2]))
    finding = found(database, signer)
    assert (finding.holds, finding.erased) == (True, 1)


def test_a_log_cut_short_is_found_by_a_checkpoint_kept_elsewhere(database: Database, signer: Signer) -> None:
    events(database, 3)
    kept = sealed(database, signer)
    other = Signer(NAME, bytes(32))
    assert found(database, signer, kept).holds
    longer = signer.sign(9, bytes(32), at=AT)
    cut = found(database, signer, longer)
    assert (cut.holds, cut.first_bad) == (False, 3)
    assert "cut short" in str(cut.fault)
    assert "does not hold" in str(found(database, signer, other.sign(3, bytes(32), at=AT)).fault)
    assert "disagree" in str(found(database, signer, signer.sign(3, bytes(32), at=AT)).fault)


def test_sealing_in_a_folder_keeps_key_and_checkpoints(sqlite_database: Database, tmp_path: Path) -> None:
    events(sqlite_database, 2_500)
    done = seal_all(sqlite_database, tmp_path / "log", "https://portal.example", clock=clock.now)
    assert (done.fresh, done.size) == (2_501, 2_501)  # the making of the key is an event too
    again = seal_all(sqlite_database, tmp_path / "log", "https://portal.example", clock=clock.now, full=True)
    assert (again.fresh, again.size) == (0, 2_501)
    signer = load_signer(tmp_path / "log", "moved.example/audit")
    assert signer.name == NAME
    assert (tmp_path / "log" / "audit-signing-key").stat().st_mode & 0o777 == 0o600
    assert kept_notes(tmp_path / "log") == [done.note]
    assert found(sqlite_database, signer, *kept_notes(tmp_path / "log")).holds


TAMPERINGS = {
    "a body": "UPDATE audit_events SET body = replace(body, 'unknown', 'nothing') WHERE seq = {seq}",
    "a name": "UPDATE audit_events SET name = 'staff.signed-in' WHERE seq = {seq}",
    "a time": "UPDATE audit_events SET at = '2020-01-01 00:00:00.000000' WHERE seq = {seq}",
    "an actor": "UPDATE audit_events SET actor_id = 'somebody' WHERE seq = {seq}",
    "a kind of actor": "UPDATE audit_events SET actor_kind = 'staff' WHERE seq = {seq}",
    "a doctor": "UPDATE audit_events SET hcp_id = '0123' WHERE seq = {seq}",
    "an id": "UPDATE audit_events SET id = 'x' WHERE seq = {seq}",
    "an event gone": "DELETE FROM audit_events WHERE seq = {seq}",
    "a leaf gone": "DELETE FROM audit_leaves WHERE event_seq = {seq}",
    "a leaf elsewhere": "UPDATE audit_leaves SET place = place + 1000 WHERE event_seq = {seq}",
    "a node": "UPDATE audit_nodes SET hash = '{zeros}' WHERE level = 0 AND place = {seq} - 1",
    "an upper node": "UPDATE audit_nodes SET hash = '{zeros}' WHERE level = 1 AND place = ({seq} - 1) / 2",
    "a node too many": "INSERT INTO audit_nodes VALUES (9, {seq}, '{zeros}')",
    "the newest checkpoint gone": "DELETE FROM audit_checkpoints WHERE size = 20",
    "a checkpoint's size": "UPDATE audit_checkpoints SET size = size + 1",
    "when a checkpoint was signed": "UPDATE audit_checkpoints SET at = '2020-01-01 00:00:00.000000'",
    "a checkpoint": "UPDATE audit_checkpoints SET note = replace(note, 'portal', 'p0rtal')",
    "a personal value": "UPDATE audit_personal SET fields = replace(fields, 'clin', 'cl1n') WHERE event_id = '{id}'",
    "a salt": "UPDATE audit_personal SET salt = 'x' WHERE event_id = '{id}'",
    "whose value": "UPDATE audit_personal SET hcp_id = '0123' WHERE event_id = '{id}'",
}


@pytest.fixture
def unguarded(sqlite_database: Database, signer: Signer) -> Iterator[tuple[Database, sqlite3.Connection, list[str]]]:
    """A sealed log of 20 events whose triggers somebody has dropped."""
    ids = events(sqlite_database, 20)
    sealed(sqlite_database, signer)
    path = sqlite_database.url.database
    assert path is not None
    hand = sqlite3.connect(path, isolation_level=None)
    for (name,) in hand.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        hand.execute(f"DROP TRIGGER {name}")
    yield sqlite_database, hand, ids
    hand.close()


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_past_the_triggers_is_found(
    unguarded: tuple[Database, sqlite3.Connection, list[str]], signer: Signer, what: str
) -> None:
    database, hand, ids = unguarded
    assert found(database, signer).holds
    place = random.Random(what).randrange(20)
    hand.execute("PRAGMA foreign_keys=OFF")
    changed = hand.execute(TAMPERINGS[what].format(seq=place + 1, id=ids[place], zeros="0" * 64)).rowcount
    assert changed > 0
    finding = found(database, signer)
    assert not finding.holds
    if finding.first_bad is not None and what in ("a body", "a name", "a time", "an actor", "an event gone"):
        assert finding.first_bad == place


COLUMNS = [
    *((table, name) for table, names in {
        "audit_events": ("seq", "id", "at", "name", "actor_kind", "actor_id", "hcp_id", "body"),
        "audit_personal": ("event_id", "hcp_id", "salt", "fields"),
        "audit_leaves": ("place", "event_seq"),
        "audit_nodes": ("level", "place", "hash"),
        "audit_checkpoints": ("size", "at", "note"),
    }.items() for name in names),
]  # fmt: skip


def changed(value: object, dice: random.Random) -> object:
    """Return another value than the one given: one bit or sign different, or nothing where something was."""
    if isinstance(value, int):
        return value ^ (1 << dice.randrange(12))
    text = str(value) if value is not None else ""
    if not text or (dice.random() < 0.1 and value is not None):
        return "x" if not text else text[:-1]
    place = dice.randrange(len(text))
    other = chr((ord(text[place]) ^ (1 << dice.randrange(6))) or 1)
    return text[:place] + other + text[place + 1 :]


def another_moment(value: str, dice: random.Random) -> str:
    """Return the moment with its last digit changed, in the spelling of the database."""
    return value[:-1] + dice.choice([digit for digit in "0123456789" if digit != value[-1]])


@pytest.mark.parametrize("rounds", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_random_tampering_is_found_and_a_clean_log_never_blamed(
    unguarded: tuple[Database, sqlite3.Connection, list[str]], signer: Signer, rounds: int
) -> None:
    database, hand, _ids = unguarded
    hand.execute("PRAGMA foreign_keys=OFF")
    dice, missed, tried = random.Random(7040), [], 0
    while tried < rounds:
        table, column = dice.choice(COLUMNS)
        row, before = dice.choice(hand.execute(f"SELECT rowid, {column} FROM {table}").fetchall())
        after = changed(before, dice) if column != "at" else another_moment(before, dice)
        try:
            hand.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (after, row))
        except sqlite3.IntegrityError:
            continue  # the database itself refuses two of one key
        tried += 1
        if found(database, signer).holds:
            missed.append((table, column, before, after))
        back = row if (column in ("seq", "place") and table != "audit_nodes") or column == "size" else None
        hand.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (before, after if back is not None else row))
        if tried % 50 == 0:
            assert found(database, signer).holds
    assert missed == []


def test_the_triggers_refuse_what_a_hand_would_change(database: Database, signer: Signer) -> None:
    events(database, 2)
    sealed(database, signer)
    for table in ("audit_events", "audit_leaves", "audit_nodes", "audit_checkpoints"):
        with pytest.raises(Exception, match="append-only"), database.engine.begin() as hand:
            hand.exec_driver_sql(f"DELETE FROM {table}")


def test_a_bundle_of_some_events_holds_without_the_application(database: Database, signer: Signer) -> None:
    ids = events(database, 33)
    sealed(database, signer)
    with database.reading() as db:
        lines = list(bundle(db, signer.verifier_key, events=[ids[0], ids[17], ids[32]]))
    assert verify(lines, signer.verifier_key) == (3, 33)
    assert [json.loads(json.loads(line)["event"])["id"] for line in lines[1:]] == [ids[0], ids[17], ids[32]]


def test_a_whole_bundle_holds_and_shows_what_is_missing(database: Database, signer: Signer) -> None:
    events(database, 13)
    older = sealed(database, signer)
    events(database, 8)
    newest = sealed(database, signer)
    with database.reading() as db:
        lines = list(bundle(db, signer.verifier_key))
    assert verify(lines, signer.verifier_key, older) == (21, 21)
    for wrong in (lines[:-1], [*lines, lines[-1]], [lines[0], *lines[2:]], lines[1:], []):
        with pytest.raises(Refused):
            verify(wrong, signer.verifier_key)
    with pytest.raises(Refused, match="cut short"):
        verify(lines, signer.verifier_key, signer.sign(22, bytes(32), at=AT))
    with pytest.raises(Refused, match="not those of your checkpoint"):
        verify(lines, signer.verifier_key, signer.sign(13, bytes(32), at=AT))
    with pytest.raises(Refused, match="another key"):
        verify(lines, Signer(NAME, bytes(32)).verifier_key)
    assert newest != older


def test_a_bundle_of_some_events_proves_that_its_log_begins_with_an_older_checkpoint(
    database: Database, signer: Signer
) -> None:
    ids = events(database, 13)
    older = sealed(database, signer)
    events(database, 8)
    sealed(database, signer)
    with database.reading() as db:
        lines = list(bundle(db, signer.verifier_key, events=ids[:2], since=older))
        without = list(bundle(db, signer.verifier_key, events=ids[:2]))
    assert verify(lines, signer.verifier_key, older) == (2, 21)
    with pytest.raises(Refused, match="does not prove"):
        verify(without, signer.verifier_key, older)
    with pytest.raises(Refused, match="not for the checkpoint"):
        verify(lines, signer.verifier_key, signer.sign(12, bytes(32), at=AT))
    with pytest.raises(Refused, match="does not begin"):
        verify(lines, signer.verifier_key, signer.sign(13, bytes(32), at=AT))


def test_no_bit_of_a_bundle_can_be_flipped(sqlite_database: Database, signer: Signer) -> None:
    ids = events(sqlite_database, 7)
    older = sealed(sqlite_database, signer)
    events(sqlite_database, 4)
    sealed(sqlite_database, signer)
    with sqlite_database.reading() as db:
        some = b"".join(bundle(db, signer.verifier_key, events=ids[2:4], since=older))
    accepted = []
    for bit in range(len(some) * 8):
        changed = bytearray(some)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            verify(bytes(changed).splitlines(keepends=True), signer.verifier_key, older)
        except Refused:
            continue
        accepted.append(bit)
    assert accepted == []


def test_what_is_not_sealed_cannot_be_proved(database: Database, signer: Signer) -> None:
    with database.reading() as db, pytest.raises(BundleRefused, match="Nothing is sealed"):
        list(bundle(db, signer.verifier_key))
    events(database, 1)
    sealed(database, signer)
    (fresh,) = events(database, 1)
    for wrong in (fresh, new_id()):
        with database.reading() as db, pytest.raises(BundleRefused, match="not sealed"):
            list(bundle(db, signer.verifier_key, events=[wrong]))


def test_the_verifier_runs_as_a_file_of_its_own(
    sqlite_database: Database, signer: Signer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events(sqlite_database, 3)
    note = sealed(sqlite_database, signer)
    path, kept = tmp_path / "b.jsonl", tmp_path / "kept.txt"
    with sqlite_database.reading() as db:
        path.write_bytes(b"".join(bundle(db, signer.verifier_key)))
    kept.write_text(note)
    assert main([str(path), "--key", signer.verifier_key, "--trusted-checkpoint", str(kept)]) == 0
    kept.write_bytes(b"\xff")
    assert main([str(path), "--trusted-checkpoint", str(kept)]) == 1
    assert main([str(tmp_path / "nothing")]) == 2
    path.write_bytes(path.read_bytes()[:-5])
    assert main([str(path)]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note[:-1],
        lambda note: note + "\n",
        lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace("portal", "p0rtal"),
        lambda note: note.replace("\u2014", "-"),
        lambda note: note.replace("=\n", "\n", 1),
        lambda note: "",
    ],
)
def test_a_note_that_is_not_as_signed_is_refused(signer: Signer, change: Callable[[str], str]) -> None:
    note = signer.sign(5, bytes(32), at=AT)
    assert opened(note, signer.verifier_key).size == 5
    with pytest.raises(CheckpointRefused):
        opened(change(note), signer.verifier_key)


@pytest.mark.parametrize("key", ["", "a+b", "a+00000000+AAAA", "x y+0+0", "portal.example/audit+00000000+" + "A" * 44])
def test_a_key_that_is_none_is_refused(signer: Signer, key: str) -> None:
    with pytest.raises(CheckpointRefused):
        opened(signer.sign(5, bytes(32), at=AT), key)
