"""A test client that asserts the housekeeping of every page it opens."""

import re
from collections import Counter
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE)
_HANDLER = re.compile(r"<[^>]+\son[a-z]+\s*=", re.IGNORECASE)
_STYLE = re.compile(r"<style\b|<[^>]+\sstyle\s*=", re.IGNORECASE)
_ID = re.compile(r"<[^>]*?\sid=\"([^\"]+)\"")
_H1 = re.compile(r"<h1\b", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*([^<]*\S)\s*</title>")


class HouseClient:
    """A browser: keeps cookies, sends what browsers send, checks what it gets."""

    def __init__(self, app: Flask, base_url: str = "http://127.0.0.1:8000") -> None:
        self.app = app
        self.base_url = base_url
        self.raw = app.test_client()

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self._open("GET", path, **kwargs)

    def head(self, path: str, **kwargs: Any) -> TestResponse:
        return self._open("HEAD", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.base_url} | dict(kwargs.pop("headers", {}))
        return self._open("POST", path, headers=headers, **kwargs)

    def submit(self, page_path: str, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Post a staff form with the CSRF token of the page it stands on."""
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', self.get(page_path).text)
        assert found, f"{page_path} has no form"
        return self.post(path, data={"csrf_token": found[1], **(data or {})}, **kwargs)

    def _open(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        response = self.raw.open(path, method=method, base_url=self.base_url, **kwargs)
        check_page(response)
        return response


def check_page(response: TestResponse) -> None:
    """Assert what holds for every page: headers, one h1, a title, no inline script or style, no id twice."""
    assert response.headers.get("Content-Security-Policy", "").startswith("default-src 'none'")
    assert response.headers.get("Referrer-Policy") == "strict-origin"
    assert response.headers.get("X-Content-Type-Options") == "nosniff"
    assert "Cache-Control" in response.headers
    if response.mimetype != "text/html" or not response.text:
        return
    html = response.text
    assert not _INLINE_SCRIPT.search(html), "inline script"
    assert not _STYLE.search(html), "inline style"
    assert not _HANDLER.search(html), "inline handler"
    twice = [name for name, count in Counter(_ID.findall(html)).items() if count > 1]
    assert not twice, f"ids twice: {twice}"
    if "<html" in html:
        assert len(_H1.findall(html)) == 1, "not exactly one h1"
        assert _TITLE.search(html), "no title"
