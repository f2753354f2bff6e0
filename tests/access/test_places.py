"""Every secret the portal gives out opens the one place it was made for and no other."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import func, select

from portal import clock, create_app
from portal.access.models import Visit
from portal.config import Settings
from portal.tracking.models import PageView
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of, press
from tests.attacks.world import STAFF, build, sign_in, token_of
from tests.client import HouseClient
from tests.tracking.timelines import Timeline, raw

BASE = "http://127.0.0.1:8000"
HOOK = "hook-secret-" + "h" * 32


@dataclass
class Places:
    """Where secrets are taken, each as a question: is this one taken here?"""

    app: Flask
    path: str  # of a link
    staff: HouseClient  # signed in
    section: str  # of the page that is measured

    def page(self, road: str) -> Callable[[str], bool]:
        return lambda secret: HouseClient(self.app).raw.get(road.format(secret), base_url=BASE).status_code == 200

    def posted(self, road: str) -> Callable[[str], bool]:
        def ask(secret: str) -> bool:
            headers = {"Sec-Fetch-Site": "same-origin"}
            return (
                HouseClient(self.app)
                .raw.post(road.format(secret), data={"a": "b"}, headers=headers, base_url=BASE)
                .status_code
                < 400
            )

        return ask

    def nonce(self, secret: str) -> bool:
        before = self.count(Visit)
        HouseClient(self.app).raw.post(
            self.path, data={"nonce": secret}, headers={**GESTURE, "Sec-Fetch-Site": "same-origin"}
        )
        return self.count(Visit) > before

    def visit(self, secret: str) -> bool:
        client = HouseClient(self.app)
        client.raw.set_cookie("visit", secret, domain="127.0.0.1")
        return client.raw.get("/m/", base_url=BASE).status_code == 200

    def device(self, secret: str) -> bool:
        client = HouseClient(self.app)
        client.raw.set_cookie("device", secret, domain="127.0.0.1")
        press(client, self.path)
        with self.app.extensions["portal.database"].reading() as db:
            newest = select(Visit.confidence).order_by(Visit.opened_at.desc(), Visit.id)
            return bool(db.scalars(newest).first() == "device")

    def staff_cookie(self, secret: str) -> bool:
        client = HouseClient(self.app)
        client.raw.set_cookie("staff", secret, domain="127.0.0.1")
        return client.raw.get("/staff/sessions", base_url=BASE).status_code == 200

    def csrf(self, secret: str) -> bool:
        headers = {"Sec-Fetch-Site": "same-origin"}
        answer = self.staff.raw.post("/staff/password", data={"csrf_token": secret}, headers=headers, base_url=BASE)
        return answer.status_code != 400

    def beat(self, secret: str) -> bool:
        before, line = self.measured(), Timeline()
        for _ in range(3):
            line.live("read", 1000, self.section)
        with time_machine.travel(clock.now() + timedelta(seconds=5), tick=True):
            body = raw(line.message() | {"c": secret})
            HouseClient(self.app).post("/b", data=body, headers={"Content-Type": "text/plain"})
        return self.measured() > before

    def hook(self, secret: str) -> bool:
        headers = {"Authorization": f"Bearer {secret}"}
        return HouseClient(self.app).raw.post("/mail/reports", data=b"no report", headers=headers).status_code != 404

    def count(self, table: type) -> int:
        with self.app.extensions["portal.database"].reading() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0

    def measured(self) -> int:
        with self.app.extensions["portal.database"].reading() as db:
            return db.scalar(select(func.count()).where(PageView.vis_ms.is_not(None))) or 0


def test_every_secret_opens_its_own_place_only(sqlite_demo_app: Flask, settings: Settings) -> None:
    url = sqlite_demo_app.extensions["portal.database"].url.render_as_string(hide_password=False)
    app = create_app(settings.model_copy(update={"database_url": url, "mail_hook_secret": HOOK}))
    world = build(app)
    staff, doctor = HouseClient(app), HouseClient(app)
    sign_in(staff, STAFF["rep"])
    _, path = new_link(app)
    press(doctor, path)
    text = doctor.get("/m/warnings").text
    page, section = re.search(r'data-view="([^"]+)"', text), re.search(r'data-section="(warnings[^"]*)"', text)
    assert page
    assert section
    places = Places(app, path, staff, section[1])
    nonce = nonce_of(HouseClient(app).get(path, headers={"User-Agent": CHROME}))
    secrets = {
        "link": path.removeprefix("/v/"),
        "nonce": nonce,
        "unsubscribe": world.ids["doctor's unsubscribe token"],
        "preferences": world.ids["doctor's preferences token"],
        "opt-in": world.ids["doctor's opt-in token"],
        "credential": page[1],
        "visit": cookie(doctor, "visit"),
        "device": cookie(doctor, "device"),
        "staff": cookie(staff, "staff"),
        "csrf": token_of(staff),
        "hook": HOOK,
    }
    asked: dict[str, tuple[str, Callable[[str], bool]]] = {
        "GET /v/…": ("link", places.page("/v/{}")),
        "nonce of the button": ("nonce", places.nonce),
        "GET /u/…": ("unsubscribe", places.page("/u/{}")),
        "POST /u/…": ("unsubscribe", places.posted("/u/{}")),
        "POST /u/…/stop": ("", places.posted("/u/{}/stop")),  # takes the token, and asks what should stop
        "GET /p/…": ("preferences", places.page("/p/{}")),
        "GET /o/…": ("opt-in", places.page("/o/{}")),
        "cookie of a visit": ("visit", places.visit),
        "cookie of a device": ("device", places.device),
        "cookie of staff": ("staff", places.staff_cookie),
        "token of a form": ("csrf", places.csrf),
        "credential of a beat": ("credential", places.beat),
        "secret of the mail hook": ("hook", places.hook),
        "GET /v/…/all": ("link", places.page("/v/{}/all")),  # last: whoever follows it is taken for a machine
    }
    wrong = []
    for place, (home, is_taken) in asked.items():
        for name, secret in sorted(secrets.items(), key=lambda each: each[0] == home):  # its own comes last
            if is_taken(secret) is not (name == home):
                wrong.append(f"{name} at {place}")
    assert wrong == []
    app.extensions["portal.database"].close()


def cookie(client: HouseClient, name: str) -> str:
    """The value of a cookie."""
    found = client.raw.get_cookie(name, domain="127.0.0.1")
    assert found is not None
    return found.value
