"""Guessing a code: however many links, devices and addresses somebody has, few guesses are ever looked at.

A code has a million values, so what can be guessed is how many tries are looked at: five a code, ten codes a day for a
doctor (the limit slides: at most twice as many within any one day). Who does not know the address the mail went to
gets codes that fit nothing.
"""

import random
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.access.models import StepUpCode, Visit
from portal.access.stepping_up import TRIES
from portal.access.stepping_up import _hash as code_hash
from tests.access.test_door import new_link, press
from tests.access.test_stepping_up import ASK, CODE, address_of
from tests.client import HouseClient

DEVICES = 4
A_DAY = 20 * TRIES  # the most that any 24 hours can see


def attack(app: Flask, *, days: int, named: str, rounds_a_day: int, greedy: bool) -> tuple[int, int]:
    """Ask and guess from the devices of two links, from ever new addresses; return tries looked at and codes made.

    `greedy`: every device asks until it is refused; else one device asks once a round, to stay below the limits.
    """
    chance, browsers = random.Random(14), []
    for _ in range(2):
        path = new_link(app, days=60)[1]
        press(HouseClient(app), path)
        browsers += [(path, HouseClient(app)) for _ in range(DEVICES // 2)]
    start = clock.now()
    with time_machine.travel(start, tick=False) as now:
        for turn in range(days * rounds_a_day):
            now.move_to(start + turn * timedelta(days=1) / rounds_a_day)
            for path, browser in browsers if greedy else [browsers[turn % DEVICES]]:
                where = {"REMOTE_ADDR": f"198.51.{chance.randrange(256)}.{chance.randrange(256)}"}
                if browser.get("/m/").status_code != 200:
                    press(browser, path)  # a visit lasts half a day
                while browser.post(ASK, data={"address": named}, environ_base=where).status_code == 303:
                    for _ in range(TRIES + 2):
                        guess = f"{chance.randrange(10**6):06d}"
                        browser.post(CODE, data={"code": guess}, environ_base=where)
                    if not greedy:
                        break
    with app.extensions["portal.database"].reading() as db:
        tries = db.scalar(select(func.sum(StepUpCode.tries))) or 0
        return tries, db.scalar(select(func.count()).select_from(StepUpCode)) or 0


def verified(app: Flask) -> int:
    with app.extensions["portal.database"].reading() as db:
        return db.scalar(select(func.count()).where(Visit.confidence == "verified")) or 0


@pytest.mark.parametrize(("rounds_a_day", "greedy"), [(12, True), (10, False)], ids=["greedy", "patient"])
@pytest.mark.parametrize("days", [1, pytest.param(14, marks=pytest.mark.long)])
def test_whoever_knows_the_address_has_few_guesses(
    sqlite_demo_app: Flask, days: int, rounds_a_day: int, greedy: bool
) -> None:
    named = address_of(sqlite_demo_app)
    tries, codes = attack(sqlite_demo_app, days=days, named=named, rounds_a_day=rounds_a_day, greedy=greedy)
    assert 0 < codes <= 10 * (days + 1)
    assert 0 < tries <= codes * TRIES <= A_DAY * days
    assert verified(sqlite_demo_app) == 0
    print(f"{days} days: {codes} codes, {tries} guesses looked at, chance that one is right {tries / 10**6:.6f}")


def test_whoever_does_not_know_the_address_guesses_at_nothing(sqlite_demo_app: Flask) -> None:
    client = HouseClient(sqlite_demo_app)
    path = new_link(sqlite_demo_app)[1]
    press(HouseClient(sqlite_demo_app), path)
    press(client, path)
    client.post(ASK, data={"address": "somebody@else.example"})
    key = sqlite_demo_app.extensions["portal.settings"].secret_key[-1]
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        kept = db.scalars(select(StepUpCode)).one()
        guesses = (f"{value:06d}" for value in range(0, 10**6, 97))
        assert not any(code_hash(key, kept.id, guess) == kept.code_hash for guess in guesses)
