"""Malformed tokens by the million: `python -m tests.access.malformed [--http]` prints what was accepted (nothing)."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from urllib.parse import quote, urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import clock
from portal.access.models import Link, Visit
from portal.access.tokens import Purpose, TokenBox, TokenRefused
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.db import Database, new_id
from portal.hcp.models import Consent
from portal.hcp.queries import hcp_by_ref
from portal.mailing import unsubscribing
from portal.mailing.models import MailPreference, OptIn, Sending, Unsubscribe
from tests.access.test_door import CHROME
from tests.access.test_tokens import BOX, ROW, mangled
from tests.journeys.conftest import running
from tests.journeys.scanners.world import sending_of


def misplaced() -> int:
    """How many tokens of one purpose, or of another installation, are accepted in another's place."""
    stranger, accepted = TokenBox(("stranger-" + "s" * 32,)), 0
    for box in (BOX, stranger):
        for made in Purpose:
            for asked in Purpose:
                if box is BOX and made is asked:
                    continue
                try:
                    BOX.read_id(asked, box.for_id(made, ROW))
                except TokenRefused:
                    continue
                accepted += 1
    return accepted


_BATCH = 500


@dataclass(frozen=True)
class Question:
    """One request with a token that must open nothing."""

    method: str
    path: str
    body: str


def questions(box: TokenBox, rows: Sequence[tuple[Purpose, str]], count: int, *, seed: int) -> Iterator[Question]:
    """`count` requests with tokens of rows that are there, mangled or in another's place."""
    chance = random.Random(seed)
    homes = {"/v/": Purpose.LINK, "/u/": Purpose.UNSUBSCRIBE, "/p/": Purpose.PREFERENCES, "/o/": Purpose.OPT_IN}
    roads = ("/v/{}", "/v/{}/all", "/u/{}", "/u/{}/stop", "/p/{}", "/o/{}")
    link = next(box.for_id(Purpose.LINK, row) for purpose, row in rows if purpose is Purpose.LINK)
    alphabet = "abcdefghijklmnopqrstuvwxyz234567ABC01.=-_~%27'>)"
    asked = 0
    while asked < count:
        purpose, row = chance.choice(rows)
        good = box.for_id(purpose, row)
        token, road = list(good), chance.choice(roads)
        for _ in range(chance.randint(0, 3)):
            token[chance.randrange(len(token))] = chance.choice(alphabet)
        if chance.random() < 0.2:
            token.append(chance.choice(alphabet))
        if "".join(token) == good and homes[road[:3]] is purpose:
            continue  # this one is right
        asked += 1
        text = quote("".join(token), safe="~'>)=%")
        if chance.random() < 0.1:  # in the place of the nonce of a button
            yield Question("POST", f"/v/{link}", f"nonce={text}")
        else:
            post = road.endswith("stop") or (not road.endswith("all") and chance.random() < 0.3)
            body = "List-Unsubscribe=One-Click&what=all&mail=stop&wanted=yes&frequency=any"
            yield Question("POST" if post else "GET", road.format(text), body if post else "")


def rows_of(database: Database) -> list[tuple[Purpose, str]]:
    """Links, sendings and open questions of a demo, by the purpose of the token that names them."""
    with database.reading() as db:
        found = [(Purpose.LINK, row) for row in db.scalars(select(Link.id))]
        sendings = list(db.scalars(select(Sending.id)))
        found += [(purpose, row) for row in sendings for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)]
        return found + [(Purpose.OPT_IN, row) for row in db.scalars(select(OptIn.id))]


def opened(database: Database) -> int:
    """How many visits, unsubscriptions, preferences and consents there are."""
    with database.reading() as db:
        tables = (Visit, Unsubscribe, MailPreference, Consent)
        return sum(db.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def over_http(count: int, *, seed: int, threads: int = 16) -> tuple[dict[int, int], int]:
    """Statuses of `count` questions to a running gunicorn, and what they opened."""
    found: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for portal in running(Path(folder), {}):
            database = Database(portal.environment["PORTAL_DATABASE_URL"])
            box = TokenBox((portal.environment["PORTAL_SECRET_KEY"],))
            with database.writing() as db:
                add_mail(db)
            rows, before = rows_of(database), opened(database)
            batches = [
                questions(box, rows, min(_BATCH, count - start), seed=seed + start) for start in range(0, count, _BATCH)
            ]
            with ThreadPoolExecutor(threads) as pool:
                for each in pool.map(partial(statuses, portal.url), batches):
                    found += each
                    sys.stderr.write(f"{found.total():,} asked\n")
            more = opened(database) - before
            database.close()
    return dict(found), more


def statuses(url: str, asked: Iterable[Question]) -> "Counter[int]":
    """Ask over one connection that is kept open; how often each status was the answer."""
    where, found = urlsplit(url), Counter[int]()
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    headers |= {"User-Agent": CHROME, "Sec-Fetch-User": "?1"}
    for each in asked:
        for _ in range(3):
            try:
                connection.request(each.method, each.path, each.body or None, headers)
                answer = connection.getresponse()
                answer.read()
                break
            except (HTTPException, OSError):  # the server has shut a connection that was idle
                connection.close()
        else:
            raise AssertionError("no answer")
        found[answer.status] += 1
    connection.close()
    return found


def add_mail(db: Session) -> None:
    """A mail to a doctor of the demo and an open question, so that every purpose has rows that are there."""
    at, site, card = clock.now(), site_by_key(db, "atorvastatin-us-en"), hcp_by_ref(db, "H-1001")
    assert site is not None
    assert card is not None
    by, address = Actor.system("tests"), card.email or ""
    for _ in range(3):
        sending_id = new_id()
        db.add(sending_of(sending_id, card.id, site.id, address, at))
        db.flush()
        unsubscribing.ask(db, card.id, site.id, sending_id=sending_id, opt_in_id=new_id(), by=by, at=at)


def main() -> int:
    """Measure and print; exit code 1 where anything was accepted or broke."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--http", action="store_true", help="over HTTP, 100,000 unless told")
    given = parser.parse_args()
    began = time.perf_counter()
    if given.http:
        count = min(given.count, 100_000)
        found, opened_by_them = over_http(count, seed=5)
        bad = opened_by_them + sum(number for status, number in found.items() if status < 400 or status >= 500)
        sys.stdout.write(f"{count} requests: {found}, {opened_by_them} opened, {bad} accepted or broken")
    else:
        bad = mangled(given.count, seed=5) + misplaced()
        sys.stdout.write(f"{given.count} mangled and all misplaced tokens: {bad} accepted")
    sys.stdout.write(f", {time.perf_counter() - began:.0f} s\n")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
