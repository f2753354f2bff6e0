"""Takes the beats of the measuring script: no cookie is read, and nothing is answered before it is durable.

Beats are most of the traffic, so they are taken in front of Flask; the route stands for those who ask who may open it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from portal import clock
from portal.access.actions import raise_grade
from portal.access.evidence import Grade
from portal.access.queries import reporting_visits
from portal.access.tokens import TokenBox
from portal.config import Settings
from portal.content.bands import declared
from portal.db import Database, Session
from portal.db.together import Work
from portal.hcp.consents import GIVEN, Tracking
from portal.tracking.actions import Answer, Reader, Standing, keep_beats
from portal.tracking.beats import MAX_BYTES
from portal.tracking.credential import Mint, ms_of
from portal.tracking.drops import Drop
from portal.tracking.funnel import Admitted, admit
from portal.tracking.standing import by_consent
from portal.web import guards, headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

bp = Blueprint("beacon", __name__)

_DESK = "portal.beats"
_PATH = "/b"


@bp.post(_PATH)
@guards.public("Beats carry a credential of their own; the cookie is never read.", cross_site=True)
def take() -> Response:
    """Take one beat: 204 kept or dropped for good, 4xx malformed, 410 stop and clear, 429 half as often."""
    return Response(status=_taken(current_app, request.environ).status)


@bp.record_once
def stand_in_front(state: BlueprintSetupState) -> None:
    """Take beats before Flask is asked."""
    assert isinstance(state.app, Flask)
    vars(state.app)["wsgi_app"] = _in_front_of(state.app, state.app.wsgi_app)


def _in_front_of(app: Flask, behind: "WSGIApplication") -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != _PATH or environ.get("REQUEST_METHOD") != "POST":
            return behind(environ, start_response)
        try:
            taken = _taken(app, environ)
            status = HTTPStatus(taken.status)
            if taken.drop is not None:
                structlog.get_logger().info("beat dropped", status=status.value, reason=str(taken.drop))
        except Exception:
            structlog.get_logger().error("beat failed", exc_info=True)
            status = HTTPStatus.SERVICE_UNAVAILABLE  # the script keeps the beat and tries again
        lines = headers.plain(secure=environ.get("wsgi.url_scheme") == "https")
        if status is not HTTPStatus.NO_CONTENT:
            lines.append(("Content-Length", "0"))
        start_response(f"{status.value} {status.phrase}", lines)
        return []

    return answer


def _taken(app: Flask, environ: "WSGIEnvironment") -> Answer:
    desk, settings = _desk(app), _settings(app)
    told = _body(environ) if guards.is_from_here(environ, settings.base_url) else Drop.WRONG_ORIGIN
    arrived = told if isinstance(told, Drop) else admit(told, desk.mint, now_ms=ms_of(clock.now()))
    database: Database = app.extensions["portal.database"]
    return database.together.do(desk.keep, arrived)


def _body(environ: "WSGIEnvironment") -> bytes | Drop:
    """Return the body of a request, or why it is not to be had; what says that it is too long is not read."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BYTES:
            return Drop.TOO_LARGE
        raw: bytes = environ["wsgi.input"].read(length or MAX_BYTES + 1)  # without a length it comes in chunks
    except Exception:  # each server has faults of its own for a body that breaks off
        return Drop.BROKEN_BODY
    return raw


@dataclass(frozen=True, slots=True)
class _Desk:
    mint: Mint
    keep: Work[Admitted | Drop, Answer]


def _settings(app: Flask) -> Settings:
    found: Settings = app.extensions["portal.settings"]
    return found


def _desk(app: Flask) -> _Desk:
    found = app.extensions.get(_DESK)
    if found is None:
        found = app.extensions.setdefault(_DESK, _open_desk(_settings(app)))
    desk: _Desk = found
    return desk


def _open_desk(settings: Settings) -> _Desk:
    marks = TokenBox(settings.secret_key).key_marks()

    def keep(db: Session, arrived: list[Admitted | Drop]) -> list[Answer]:
        at = clock.now()
        judge = partial(_standing, at=at, key_marks=marks)
        answers = keep_beats(db, arrived, at=at, judge=judge, calculators=declared)
        for visit_id, grade in sorted(_proved(answers).items()):
            raise_grade(db, visit_id, grade)
        return answers

    return _Desk(Mint(settings.secret_key), keep)


def _standing(db: Session, readers: Collection[Reader], *, at: datetime, key_marks: Collection[str]) -> Standing:
    """Return who may report no more, and whose reading feeds no profile, at `at`."""
    visitless = [reader for reader in readers if not reader[0]]
    agreed = by_consent(db, visitless, at=at) if visitless else Standing()
    decided = reporting_visits(db, {visit for visit, _, _ in readers if visit}, at=at, key_marks=key_marks)
    gone, unfed = set(agreed.gone), set(agreed.unfed)
    for reader in readers:
        if reader[0]:
            tracking, profiling = decided.get(reader[0], (None, None))
            if tracking != Tracking.IDENTIFIED:
                gone.add(reader)
            if profiling != GIVEN:
                unfed.add(reader)
    return Standing(frozenset(gone), frozenset(unfed))


def _proved(answers: Collection[Answer]) -> dict[str, Grade]:
    """Return what beats newly prove of their visits."""
    proved: dict[str, Grade] = {}
    for answer in answers:
        if answer.visit_id and (answer.engaged or answer.ran_script):
            grade = Grade.ENGAGED if answer.engaged else Grade.SCRIPT
            proved[answer.visit_id] = max(grade, proved.get(answer.visit_id, grade))
    return proved
