"""Lists behind the page that composes mail: what is offered in which order, and names of doctors."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.hcp.queries import cards_of
from portal.mailing.mailings import Composition, Offer


@dataclass(frozen=True, slots=True)
class Pick:
    """One thing that can be picked; picked ones come first, in order."""

    value: str
    title: str
    note: str
    is_picked: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be picked for a mail."""

    fragments: tuple[Pick, ...]
    modules: tuple[Pick, ...]


def offered(composed: Composition, offer: Offer) -> Offered:
    """Return what can be picked, what is picked first."""
    fragments = [Pick(piece.id, piece.title, piece.approval_code, False) for piece in offer.fragments]
    modules = [Pick(module.key, module.title, module.approval_code, False) for module in offer.modules]
    return Offered(
        _in_order(fragments, [piece.id for piece in composed.fragments]),
        _in_order(modules, [module.key for module in composed.modules]),
    )


def moved(values: Iterable[str], move: str, kind: str) -> list[str]:
    """Return `values` with one moved: `move` is such as `fragments:up:VALUE`; anything else moves nothing."""
    order = list(values)
    which, _, rest = move.partition(":")
    direction, _, value = rest.partition(":")
    if which != kind or value not in order or direction not in ("up", "down"):
        return order
    place = order.index(value)
    other = place + (-1 if direction == "up" else 1)
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    return order


def names(db: Session, hcp_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of doctors by id, as staff see them."""
    return {hcp_id: card.display for hcp_id, card in cards_of(db, hcp_ids).items()}


def _in_order(picks: list[Pick], chosen: list[str]) -> tuple[Pick, ...]:
    by_value = {pick.value: pick for pick in picks}
    first = [by_value[value] for value in chosen if value in by_value]
    taken = [Pick(pick.value, pick.title, pick.note, True) for pick in first]
    return (*taken, *(pick for pick in picks if pick.value not in set(chosen)))
