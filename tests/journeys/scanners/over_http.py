"""Scanners that only speak HTTP: what they send, kind by kind, from observations of real gateways."""

import csv
import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from portal import clock
from portal.access.tokens import TokenBox
from portal.db import Database
from tests.journeys.scanners.world import Found, Mail, confidences, count_left, hand_over

DATA = Path(__file__).resolve().parents[2] / "data" / "scanners"
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
QUARTER = timedelta(minutes=15)
_ADDRESSES = count(1)


def old_browsers() -> list[str]:
    """The user agents of gateways as observed, made whole where only a version was noted."""
    frame = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
    with (DATA / "scanner-observations.csv").open(encoding="utf-8", newline="") as lines:
        texts = [row["user_agent"] for row in csv.DictReader(lines)]
    whole = [text for text in texts if text.startswith("Mozilla/5.0")]
    versions = [version for text in texts for version in re.findall(r"\d{2,3}\.0\.\d{4}\.\d+", text)]
    return whole + [frame.format(version) for version in dict.fromkeys(versions)]


class Wire:
    """A machine that asks the portal over HTTP, from an address of its own unless it is given one."""

    def __init__(self, app: Flask, found: Found, address: str = "", agent: str = "") -> None:
        self.address = address or _fresh_address()
        self.agent = agent
        self._found = found
        self._client = app.test_client()

    def ask(
        self, method: str, path: str, address: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Ask and note the answer."""
        answer = self._client.open(
            path,
            method=method,
            headers={"User-Agent": self.agent, **(headers or {})},
            base_url="http://127.0.0.1:8000",
            environ_base={"REMOTE_ADDR": address or self.address},
            **more,
        )
        self._found.answered(answer.status_code, sets_cookie="Set-Cookie" in answer.headers)
        return answer


def _fresh_address() -> str:
    number = next(_ADDRESSES)
    return f"40.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Storm:
    """One application, its doctors' mails and the scanners over them."""

    def __init__(self, app: Flask, links: int, people: int) -> None:
        self.app, self.links, self.people = app, links, people
        self.database: Database = app.extensions["portal.database"]
        self.tokens: TokenBox = app.extensions["portal.tokens"]

    def mails(self, links: int = 1) -> list[Mail]:
        """Mails handed over just now, as many as give the wanted number of links."""
        return hand_over(self.database, self.tokens, -(-self.links // links), links=links, at=clock.now())

    def over(self, kind: str, *, each: Callable[[Wire, str], None], agent: str = "") -> Found:
        """Let a machine of its own loose on every link."""
        mails = self.mails()

        def scan(found: Found) -> None:
            for mail in mails:
                each(Wire(self.app, found, agent=agent), mail.paths[0])

        return self.run(kind, mails, scan)

    def run(
        self, kind: str, mails: Sequence[Mail], scan: Callable[[Found], None], *, after: timedelta = QUARTER
    ) -> Found:
        """Run a storm, then let people open the links `after` it."""
        found = Found(kind, "HTTP", links=sum(len(mail.paths) for mail in mails))
        scan(found)
        count_left(self.database, found, mails)
        with time_machine.travel(clock.now() + after, tick=True):
            for mail in mails[: self.people]:
                found.people += 1
                confidence = self.open(mail.paths[0])
                found.let_in += confidence != ""
                found.known += confidence == "device"
        return found

    def open(self, path: str) -> str:
        """Open a link as a person does; return whom they are taken for, empty where they do not get in."""
        person = Wire(self.app, Found("person", "HTTP"), agent=PERSON)
        nonce = re.search(r'name="nonce" value="([a-z2-7]+)"', person.ask("GET", path).text)
        if nonce is None:
            return ""
        headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1", "Origin": "http://127.0.0.1:8000"}
        answer = person.ask("POST", path, data={"nonce": nonce[1]}, headers=headers)
        if answer.status_code != 303 or person.ask("GET", "/m/").status_code != 200:
            return ""
        return confidences(self.database, path, self.tokens)[-1]


def s1(storm: Storm) -> Found:
    """HEAD."""
    return storm.over("S1 HEAD", each=lambda wire, path: _each(wire, ("HEAD", path)))


def s2(storm: Storm) -> Found:
    """HEAD, then GET, without a user agent."""
    return storm.over("S2 HEAD, GET", each=lambda wire, path: _each(wire, ("HEAD", path), ("GET", path)))


def s3(storm: Storm) -> Found:
    """GET by three addresses with the old browsers that were observed."""
    agents = old_browsers()

    def each(wire: Wire, path: str) -> None:
        for place in range(3):
            wire.agent = agents[(len(path) + ord(path[-1]) + place) % len(agents)]
            wire.ask("GET", path, address=_fresh_address())

    return storm.over("S3 three addresses, old Chrome", each=each)


def s4(storm: Storm) -> Found:
    """GET with the tails that gateways append, each followed by the whole link."""
    tails = ("%27", "'", ">", ")", ".", "%27/", "%3E", "%22", "=", "]")

    chance = random.Random(4)

    def each(wire: Wire, path: str) -> None:
        for tail in chance.sample(tails, 4):
            wire.ask("GET", path + tail)
        wire.ask("GET", path)

    return storm.over("S4 altered token", each=each, agent=old_browsers()[0])


def s5(storm: Storm) -> Found:
    """GET with a scrambled query."""
    queries = ("?rid=%00%ff", "?utm_source=x&utm_source=y", "?" + "a" * 1500, "?;;&&==", "?data=%7B%22", "?%c3%28")
    return storm.over(
        "S5 scrambled query", each=lambda wire, path: _each(wire, *(("GET", path + query) for query in queries))
    )


def s12(storm: Storm) -> Found:
    """Every link of a mail within three seconds, the hidden link and the unsubscribe link too."""
    mails = storm.mails(links=4)

    def scan(found: Found) -> None:
        for mail in mails:
            wire = Wire(storm.app, found, agent=old_browsers()[0])
            for path in mail.paths:
                text = wire.ask("GET", path).text
                for href in re.findall(r'<a[^>]* href="(/[^"]+)"|<a href="(/[^"]+)"', text):
                    wire.ask("GET", next(filter(None, href)))
            wire.ask("GET", mail.unsubscribe)

    return storm.run("S12 every link in 3 s", mails, scan)


def s13(storm: Storm) -> Found:
    """One address over the links of many doctors, pressing every button on the way."""
    mails = storm.mails()

    def scan(found: Found) -> None:
        address = _fresh_address()
        for mail in mails:
            wire = Wire(storm.app, found, address, PERSON)
            nonce = re.search(r'name="nonce" value="([a-z2-7]+)"', wire.ask("GET", mail.paths[0]).text)
            assert nonce
            headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}
            wire.ask("POST", mail.paths[0], data={"nonce": nonce[1]}, headers=headers)

    return storm.run("S13 one address, many doctors", mails, scan)


def s14(storm: Storm) -> Found:
    """Prefetch and prerender, as browsers name them."""

    def each(wire: Wire, path: str) -> None:
        for purpose in ("prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"):
            wire.ask("GET", path, headers={"Sec-Purpose": purpose})
        wire.ask("GET", path, headers={"Purpose": "prefetch", "X-Moz": "prefetch"})

    return storm.over("S14 prefetch, prerender", each=each, agent=PERSON)


def s15(storm: Storm) -> Found:
    """POST to the unsubscribe link without the one-click body, in every shape."""
    mails = storm.mails()

    def scan(found: Found) -> None:
        for mail in mails:
            wire = Wire(storm.app, found, agent=old_browsers()[0])
            wire.ask("GET", mail.unsubscribe)
            wire.ask("HEAD", mail.unsubscribe)
            wire.ask("POST", mail.unsubscribe)
            wire.ask("POST", mail.unsubscribe, data={"confirm": "yes"})
            wire.ask("POST", mail.unsubscribe, data=b"\xff\xfe{", headers={"Content-Type": "application/json"})
            wire.ask("POST", mail.unsubscribe, data={"List-Unsubscribe": "Other"})

    return storm.run("S15 unsubscribe without its body", mails, scan)


def s16(storm: Storm) -> Found:
    """GET thirty days later."""
    mails = storm.mails()

    def scan(found: Found) -> None:
        with time_machine.travel(clock.now() + timedelta(days=30), tick=True):
            for mail in mails:
                _each(Wire(storm.app, found, agent=old_browsers()[0]), ("HEAD", mail.paths[0]), ("GET", mail.paths[0]))

    return storm.run("S16 30 days later", mails, scan, after=timedelta(days=30, minutes=15))


def s17(storm: Storm) -> Found:
    """The address as rewriting gateways hand it on: wrapped, encoded, lengthened."""

    def each(wire: Wire, path: str) -> None:
        referers = (
            "https://eur02.safelinks.protection.outlook.com/",
            "https://urldefense.com/",
            "https://linkprotect.cudasvc.com/",
        )
        for referer in referers:
            wire.ask("GET", path, headers={"Referer": referer})
        for tail in ("__;!!Nx!a1B2$", "&data=05%7C02&sdata=x&reserved=0", "?domain=portal.example&t=h.x", "#__"):
            wire.ask("GET", path + tail)
        wire.ask("GET", path.replace("/v/", "/v%2F"))
        wire.ask("GET", "/v/" + path[3:].upper())

    return storm.over("S17 rewritten address", each=each, agent=old_browsers()[0])


def s18(storm: Storm) -> Found:
    """Previews of chat programs."""
    agents = (
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "WhatsApp/2.23.20.0",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    )

    def each(wire: Wire, path: str) -> None:
        for agent in agents:
            wire.agent = agent
            wire.ask("GET", path, headers={"Range": "bytes=0-524288"})

    return storm.over("S18 chat previews", each=each)


KINDS = (s1, s2, s3, s4, s5, s12, s13, s14, s15, s16, s17, s18)


def _each(wire: Wire, *asked: tuple[str, str]) -> None:
    for method, path in asked:
        wire.ask(method, path)
