"""Malformed tokens by the million: `python -m tests.access.malformed [--http]` prints what was accepted (nothing)."""

import argparse
import random
import sys
import time

from portal.access.tokens import Purpose, TokenBox, TokenRefused
from tests.access.test_tokens import BOX, ROW, mangled


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


def over_http(count: int, *, seed: int) -> dict[int, int]:
    """Statuses of `count` mangled tokens over the routes that take one, in a running application."""
    import tempfile
    from pathlib import Path

    from portal import create_app
    from portal.config import Settings
    from portal.db import migrate

    folder = Path(tempfile.mkdtemp(prefix="portal-tokens-"))
    settings = Settings(
        secret_key=("http-" + "h" * 32,), instance_path=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}"
    )
    app = create_app(settings)
    migrate.upgrade(app.extensions["portal.database"])
    return statuses(app.test_client().open, app.extensions["portal.tokens"], count, seed=seed)


def statuses(ask: object, box: TokenBox, count: int, *, seed: int) -> dict[int, int]:
    """Statuses of `count` requests with mangled or misplaced tokens, by `ask(path, method=…)`."""
    assert callable(ask)
    chance, found = random.Random(seed), dict[int, int]()
    roads = ("/v/{}", "/v/{}/all", "/u/{}", "/p/{}", "/o/{}")
    alphabet = "abcdefghijklmnopqrstuvwxyz234567ABC01.=-_~%27'>)"
    for _ in range(count):
        token = list(box.for_id(chance.choice(list(Purpose)), f"{chance.getrandbits(128):032x}"))
        for _ in range(chance.randint(0, 3)):
            token[chance.randrange(len(token))] = chance.choice(alphabet)
        if chance.random() < 0.2:
            token.append(chance.choice(alphabet))
        path = chance.choice(roads).format("".join(token).replace("%", "%25"))
        answer = ask(path, method="POST" if chance.random() < 0.3 else "GET", headers={"Sec-Fetch-Site": "same-origin"})
        found[answer.status_code] = found.get(answer.status_code, 0) + 1
    return found


def main() -> int:
    """Measure and print; exit code 1 where anything was accepted or broke."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--http", action="store_true", help="over HTTP, 100,000 unless told")
    given = parser.parse_args()
    began = time.perf_counter()
    if given.http:
        count = min(given.count, 100_000)
        found = over_http(count, seed=5)
        bad = sum(number for status, number in found.items() if status < 400 or status >= 500)
        sys.stdout.write(f"{count} requests: {found}, {bad} accepted or broken")
    else:
        bad = mangled(given.count, seed=5) + misplaced()
        sys.stdout.write(f"{given.count} mangled and all misplaced tokens: {bad} accepted")
    sys.stdout.write(f", {time.perf_counter() - began:.0f} s\n")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
