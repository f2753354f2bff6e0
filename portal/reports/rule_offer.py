"""What the rule builder of a site offers: its modules, topics and calculators, and words that occur among doctors."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.content import queries as contents
from portal.content.bands import recordable_bands
from portal.content.models import Module
from portal.content.queries import SiteRecord
from portal.content.questions import answers_of
from portal.hcp.models import Hcp, Territory
from portal.hcp.profiles import AUDIENCES, CHANNELS
from portal.personalize.words import spoken
from portal.rulebook.builder import Offer

_MOST = 500


def offer(db: Session, site: SiteRecord, at: datetime) -> Offer:
    """Return what a rule of this site can speak of; a module that is not in force is called by its key."""
    served = contents.modules_in_force(db, site.id, at)
    titles = {module.key: module.title for module in served}
    kinds = dict.fromkeys(module.kind for module in served)
    others = db.scalars(select(Module.key).where(Module.site_id == site.id).order_by(Module.key))
    resting = tuple((key, f"{key} (not in force)") for key in others if key not in titles)
    calculators = {module.calculator: module.title for module in served if module.calculator}
    return Offer(
        modules=(*titles.items(), *resting),
        topics=tuple((topic.key, topic.name) for topic in contents.topics(db, site.id)),
        calculators=tuple(calculators.items()),
        bands=recordable_bands(db, [module.version_id for module in served if module.calculator]),
        answers={
            module.key: tuple((each.key, f"{each.text} ({each.key})") for each in answers)
            for module in served
            if (answers := answers_of(module.source))
        },
        kinds=tuple((kind, kind) for kind in kinds),
        audiences=tuple((audience, spoken(audience)) for audience in AUDIENCES),
        known={
            "specialty": _words(db, Hcp.specialty),
            "language": _words(db, Hcp.language),
            "region": _words(db, Hcp.market),
            "territory": tuple(db.scalars(select(Territory.key).order_by(Territory.key).limit(_MOST))),
            "audience": AUDIENCES,
            "channel": CHANNELS,
        },
    )


def _words(db: Session, column: InstrumentedAttribute[str | None] | InstrumentedAttribute[str]) -> tuple[str, ...]:
    return tuple(
        word for word in db.scalars(select(column).distinct().order_by(column).limit(_MOST)) if word is not None
    )
