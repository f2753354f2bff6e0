"""The desk of one process: made once from the settings, shared by everything that serves pages."""

from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy.orm import Session

from portal.access.states import CurrentVisit
from portal.config import Settings
from portal.microsite import known, serve
from portal.microsite.assemble import Reader
from portal.microsite.keeping import Stamp
from portal.microsite.press import Press
from portal.microsite.search import Index
from portal.microsite.serve import Desk
from portal.microsite.sheets import Decision
from portal.microsite.shells import Shells
from portal.microsite.stock import Stock
from portal.tracking import method
from portal.tracking.credential import Mint

_DESK = "portal.desk"


class SiteIncomplete(Exception):
    """A site without rules or without all of its mandatory blocks in force: it serves nothing."""


def desk_in(extensions: MutableMapping[str, Any], settings: Settings, static_url: Callable[[str], str]) -> Desk:
    """Return the desk kept in `extensions`, made where missing."""
    desk = extensions.get(_DESK)
    if desk is None:
        stock = Stock()
        desk = Desk(
            stock=stock,
            shells=Shells(Press(static_url)),
            index=Index(),
            mint=Mint(settings.secret_key),
            grace_ms=settings.grace_seconds * 1000,
            measuring=method.attributes(grace_s=settings.grace_seconds, idle_s=settings.idle_seconds),
        )
        extensions[_DESK] = desk
    return cast(Desk, desk)


def decided(db: Session, desk: Desk, visit: CurrentVisit, *, at: datetime) -> tuple[Decision, Stamp] | None:
    """Return the decision for a visit and the stamp of what it rests on, None where the doctor or site is gone.

    Raises SiteIncomplete where the site may not serve.
    """
    found = known.of(db, visit.hcp_id, visit.site_id, before=visit.opened_at, at=at)
    if found is None or visit.card is None:
        return None
    in_force = desk.stock.in_force(db, visit.site_id, revision=found.revision, rule_set_id=found.rule_set_id, at=at)
    if in_force is None:
        raise SiteIncomplete(visit.site_id)
    reader = Reader(visit.card, found.consent, visit)
    return serve.decide(reader, in_force, found, at=at), Stamp.of(visit, found)
