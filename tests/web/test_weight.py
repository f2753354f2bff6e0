"""What a first view weighs on the wire, and how files and pages are compressed."""

import gzip
import re
import zlib

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from portal.microsite.packing import packed
from portal.web.assets import static_url, takes_gzip
from tests.client import HouseClient
from tests.microsite.doctors import Doctor

MOST = 60_000  # bytes
_ASKED = re.compile(r'<(?:link rel="(?:stylesheet|icon)" href|script src|img[^>]*? src)="([^"]+)"')
_GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def sent(client: HouseClient, path: str) -> TestResponse:
    """What a browser gets."""
    answer = client.raw.get(path, base_url=client.base_url, headers=_GZIP)
    assert answer.status_code == 200, path
    return answer


def weight(answer: TestResponse) -> int:
    return len(answer.data) + sum(len(name) + len(value) + 4 for name, value in answer.headers)


@pytest.mark.parametrize("path", ["/m/", "/m/warnings", "/m/calc-ckd-epi-2021-cr", "/m/search?q=renal"])
def test_a_first_view_weighs_at_most_sixty_thousand_bytes(sqlite_demo_app: Flask, path: str) -> None:
    client = Doctor(sqlite_demo_app).client
    page = sent(client, path)
    html = gzip.decompress(page.data).decode()
    files = {file: sent(client, file) for file in set(_ASKED.findall(html))}
    assert len(files) >= 4
    for answer in files.values():
        assert answer.headers["Content-Encoding"] == "gzip"
    assert weight(page) + sum(map(weight, files.values())) <= MOST


def test_a_page_is_the_same_compressed_or_not(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    doctor.read("warnings", 9000)
    client = doctor.client
    answer = sent(client, "/m/")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.vary.as_set() >= {"accept-encoding"}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    changing = re.compile(r'(data-view|name="view" value)="[^"]*"')
    assert changing.sub("", gzip.decompress(answer.data).decode()) == changing.sub("", doctor.get("/m/"))
    for refusing in ("identity", "gzip;q=0", ""):
        plain = client.raw.get("/m/", base_url=client.base_url, headers={"Accept-Encoding": refusing})
        assert "Content-Encoding" not in plain.headers
        assert plain.text.startswith("<!doctype html>")


def test_the_credential_of_a_page_is_compressed_with_nothing(sqlite_demo_app: Flask) -> None:
    client = Doctor(sqlite_demo_app).client
    body = sent(client, "/m/").data
    credential = re.search(rb'data-view="([^"]+)"', gzip.decompress(body))
    assert credential
    assert credential[1] in body


@given(st.lists(st.tuples(st.text(max_size=20), st.integers(0, 300)), max_size=8))
def test_any_parts_are_packed_and_read_again(repeated: list[tuple[str, int]]) -> None:
    parts = [text * times for text, times in repeated]
    whole = "".join(parts).encode()
    assert gzip.decompress(packed(parts, whole)) == whole
    assert zlib.decompress(packed(parts, whole), wbits=31) == whole


def test_files_are_compressed_once_kept_for_good_and_asked_about_by_their_tag(sqlite_app: Flask) -> None:
    client = HouseClient(sqlite_app)
    path = static_url("css/components.css")
    plain = client.raw.get(path, buffered=True)
    small = sent(client, path)
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 3
    for answer in (plain, small):
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.vary.as_set() == {"accept-encoding"}
        assert answer.mimetype == "text/css"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert small.headers["ETag"] != plain.headers.get("ETag")
    told = {**_GZIP, "If-None-Match": small.headers["ETag"]}
    again = client.raw.get(path, headers=told)
    assert (again.status_code, again.data) == (304, b"")
    head = client.raw.head(path, headers=_GZIP)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(small.data)))
    assert client.raw.get("/static/../config.py", headers=_GZIP).status_code == 404


@pytest.mark.parametrize(
    ("given", "taken"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0", False), ("*", False), ("", False)],
)
def test_who_takes_gzip(given: str, taken: bool) -> None:
    assert takes_gzip({"HTTP_ACCEPT_ENCODING": given}) is taken
