"""Takes the beats of the measuring script: no cookie is read, and nothing is answered before it is durable."""

from collections.abc import Collection
from dataclasses import dataclass

from flask import Blueprint, Response, current_app, g, request

from portal import clock
from portal.access.actions import raise_grade
from portal.access.evidence import Grade
from portal.access.queries import open_visits
from portal.config import Settings
from portal.db import Database
from portal.tracking.actions import Answer, Reader, Standing, take_beats
from portal.tracking.beats import MAX_BYTES
from portal.tracking.credential import Mint
from portal.tracking.drops import Drop
from portal.tracking.standing import by_consent
from portal.tracking.together import Together
from portal.web import guards, house

bp = Blueprint("beacon", __name__)

_DESK = "portal.beats"


@bp.post("/b")
@guards.public("Beats carry a credential of their own; the cookie is never read.", cross_site=True)
def take() -> Response:
    """Take one beat: 204 kept or dropped for good, 4xx malformed, 410 stop and clear, 429 half as often."""
    raw = request.stream.read(MAX_BYTES + 1)
    answer = _desk().do(_Arrival(raw, guards.is_same_origin()))
    g.reason = answer.drop or ""
    return Response(status=answer.status)


@dataclass(frozen=True, slots=True)
class _Arrival:
    raw: bytes
    is_ours: bool


def _desk() -> Together[_Arrival, Answer]:
    found = current_app.extensions.get(_DESK)
    if found is None:
        found = current_app.extensions.setdefault(_DESK, _open_desk(house.database(), house.settings()))
    desk: Together[_Arrival, Answer] = found
    return desk


def _open_desk(database: Database, settings: Settings) -> Together[_Arrival, Answer]:
    mint = Mint(settings.secret_key)

    def settle(arrivals: list[_Arrival]) -> list[Answer]:
        ours = [arrival.raw for arrival in arrivals if arrival.is_ours]
        foreign = [Drop.WRONG_ORIGIN] * (len(arrivals) - len(ours))
        with database.writing() as db:
            taken = take_beats(
                db,
                ours,
                mint=mint,
                at=clock.now(),
                half_life_days=settings.half_life_days,
                judge=lambda db, readers: _fallen(
                    readers, by_consent(db, readers), open_visits(db, {visit for visit, _, _ in readers if visit})
                ),
                refused_before=foreign,
            )
            for visit_id, grade in sorted(_proved(taken).items()):
                raise_grade(db, visit_id, grade)
        answers = iter(taken)
        return [next(answers) if arrival.is_ours else Answer(403, Drop.WRONG_ORIGIN) for arrival in arrivals]

    return Together(settle)


def _fallen(readers: Collection[Reader], agreed: Standing, open_now: Collection[str]) -> Standing:
    """Return the standing by consent, with those whose visits may report no more."""
    revoked = frozenset(reader for reader in readers if reader[0] and reader[0] not in open_now)
    return Standing(agreed.gone | revoked, agreed.unfed)


def _proved(answers: Collection[Answer]) -> dict[str, Grade]:
    """Return what beats newly prove of their visits."""
    proved: dict[str, Grade] = {}
    for answer in answers:
        if answer.visit_id and (answer.engaged or answer.ran_script):
            grade = Grade.ENGAGED if answer.engaged else Grade.SCRIPT
            proved[answer.visit_id] = max(grade, proved.get(answer.visit_id, grade))
    return proved
