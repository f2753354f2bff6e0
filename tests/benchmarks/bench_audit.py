"""Sealing, checking and proving a long audit log: `python -m tests.benchmarks.bench_audit [EVENTS]`.

A million events where no number is given. Prints seconds for writing, sealing, checking the whole log in the database,
exporting it whole, verifying it offline, and
the milliseconds one proof takes. The log is a SQLite file in a temporary folder.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert

from portal import clock
from portal.audit.actors import ActorKind
from portal.audit.bundles import bundle
from portal.audit.canonical import dumps, instant
from portal.audit.checking import check
from portal.audit.checkpoints import Signer
from portal.audit.models import AuditEvent
from portal.audit.sealing import seal
from portal.audit.verifier import verify
from portal.db import Database, migrate, new_id

_BATCH = 20_000


@contextmanager
def timed(what: str) -> Iterator[None]:
    began, used = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    print(f"{what}: {wall:.2f} s, of them {cpu:.2f} s of processor", flush=True)


def write(database: Database, count: int) -> str:
    last, at = "", clock.now()
    for start in range(0, count, _BATCH):
        rows = []
        for _ in range(min(_BATCH, count - start)):
            last = new_id()
            body = dumps(
                {
                    "v": 1,
                    "id": last,
                    "at": instant(at),
                    "name": "visit.ended",
                    "actor": {"kind": "system", "id": "bench"},
                    "about": {"visit": last, "hcp": last, "reason": "expired"},
                }
            )
            rows.append(
                {
                    "id": last,
                    "at": at,
                    "name": "visit.ended",
                    "actor_kind": ActorKind.SYSTEM,
                    "actor_id": "bench",
                    "hcp_id": last,
                    "body": body,
                }
            )
        with database.writing() as db:
            db.execute(insert(AuditEvent), rows)
    return last


def main(count: int) -> None:
    signer = Signer("portal.example/audit", bytes(32))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/log.sqlite")
        migrate.upgrade(database)
        with timed(f"writing {count:,} events"):
            last = write(database, count)
        with timed("sealing them, a thousand to a transaction"):
            while True:
                with database.writing() as db:
                    if not seal(db, signer, at=clock.now()).fresh:
                        break
        with timed("checking the whole log"), database.reading() as db:
            finding = check(db, signer.verifier_key)
        assert finding.holds, finding
        path = Path(folder) / "bundle.jsonl"
        with timed("exporting it whole"), database.reading() as db, path.open("wb") as file:
            file.writelines(bundle(db, signer.verifier_key))
        with timed("verifying it offline"), path.open("rb") as lines:
            assert verify(lines, signer.verifier_key) == (count, count)
        began = time.perf_counter()
        with database.reading() as db:
            proof = list(bundle(db, signer.verifier_key, events=[last]))
        print(f"one proof: {(time.perf_counter() - began) * 1000:.1f} ms", flush=True)
        assert verify(proof, signer.verifier_key) == (1, count)
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
