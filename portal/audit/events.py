"""The shape of audit events: frozen dataclasses whose fields are their schema.

Every room declares its own event classes beside its actions::

    @dataclass(frozen=True, slots=True)
    class LinkIssued(Event, name="link.issued"):
        link: str
        hcp: str
        email: Personal[str]

A `Personal` field is stored as a salted SHA-256 commitment; its value stands in `audit_personal`, which can be erased.
"""

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


class _PersonalMark:
    """Marks a field whose value is personal."""


Personal = Annotated[_T, _PersonalMark]

_REGISTRY: dict[str, type["Event"]] = {}
_PERSONAL: dict[type["Event"], frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """A deed; subclasses name it `noun.past-tense` and say which fields name its doctor and its subject."""

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    hcp_field: ClassVar[str] = "hcp"

    def __init_subclass__(cls, *, name: str = "", words: str = "", **kwargs: Any) -> None:
        """Register the class under `name`; `words` is its sentence with {field} places."""
        # `slots=True` makes the dataclass decorator build the class twice; the second carries no name.
        if name:
            cls.name = name
            cls.words = words or name
        if cls.name:
            _REGISTRY[cls.name] = cls

    @classmethod
    def personal_fields(cls) -> frozenset[str]:
        """Return the names of the fields that hold personal values."""
        known = _PERSONAL.get(cls)
        if known is None:
            hints = get_type_hints(cls, include_extras=True)
            known = _PERSONAL[cls] = frozenset(
                field.name
                for field in fields(cls)
                if get_origin(hints[field.name]) is Annotated and _PersonalMark in get_args(hints[field.name])[1:]
            )
        return known


def declared() -> dict[str, type[Event]]:
    """Return every declared event class by name."""
    return dict(sorted(_REGISTRY.items()))
