"""What a rule does when its condition is met: eight effects, each for a stated target."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from portal.personalize.conditions import MAX_VALUES, Closed, Key, ModuleKey, Number, refuse

MAX_POINTS = 100.0
MAX_PLACE = 200


class WayBack(StrEnum):
    """Where a doctor still finds a module that a rule hides."""

    MORE = "more"  # behind "show more" on the same page
    SEARCH = "search"
    STANDARD_ORDER = "standard-order"


class Repeated(StrEnum):
    """What a limit on repetition counts, per module."""

    READS = "reads"
    SKIPS = "skips"


class Target(Closed):
    """The modules an effect is for: named ones, those on a topic, of a kind, or every one."""

    modules: tuple[ModuleKey, ...] | None = Field(default=None, min_length=1, max_length=MAX_VALUES)
    topic: Key | None = None
    kind: Key | None = None
    everything: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if sum(part is not None for part in (self.modules, self.topic, self.kind, self.everything)) != 1:
            raise refuse("a target is modules, a topic, a kind, or everything: exactly one of them")
        if self.modules is not None and len(set(self.modules)) != len(self.modules):
            raise refuse("a module is named twice")
        return self


def _some(target: Target) -> Target:
    if target.everything:
        raise refuse("this cannot be done to every module at once")
    return target


SomeModules = Annotated[Target, AfterValidator(_some)]
Points = Annotated[Number, Field(gt=0, le=MAX_POINTS)]


class Raise(Closed):
    """Adds points, so that the modules come earlier."""

    do: Literal["raise"] = "raise"
    target: Target
    by: Points


class Lower(Closed):
    """Takes points away, so that the modules come later."""

    do: Literal["lower"] = "lower"
    target: Target
    by: Points


class Pin(Closed):
    """Puts the modules at a place of the page, counted from 1; several take the places that follow."""

    do: Literal["pin"] = "pin"
    target: SomeModules
    place: Annotated[int, Field(strict=True, ge=1, le=MAX_PLACE)]


class After(Closed):
    """Puts the modules directly behind another module."""

    do: Literal["after"] = "after"
    target: SomeModules
    module: ModuleKey


class Hide(Closed):
    """Leaves the modules out of the page and says where they are still found."""

    do: Literal["hide"] = "hide"
    target: SomeModules
    way_back: WayBack = WayBack.MORE


class Require(Closed):
    """Keeps the modules on the page whatever else would hide them."""

    do: Literal["require"] = "require"
    target: Target


class Limit(Closed):
    """Lowers or hides each module that was read or passed by at least so many times."""

    do: Literal["limit"] = "limit"
    target: Target
    count: Repeated = Repeated.READS
    times: Annotated[int, Field(strict=True, ge=1, le=1000)]
    within_days: Annotated[int, Field(strict=True, ge=1, le=3650)] | None = None
    by: Points | None = None
    way_back: WayBack | None = None

    @model_validator(mode="after")
    def _lowers_or_hides(self) -> Self:
        if (self.by is None) == (self.way_back is None):
            raise refuse("a limit either lowers by points or hides with a way back")
        return self


class Interest(Closed):
    """Adds, for each topic of a module, the doctor's engaged minutes on it times a weight."""

    do: Literal["interest"] = "interest"
    target: Target
    weight: Points


_EFFECTS = {
    model.model_fields["do"].default: model for model in (Raise, Lower, Pin, After, Hide, Require, Limit, Interest)
}


def _kind_of_effect(raw: object) -> str | None:
    do = raw.get("do") if isinstance(raw, dict) else getattr(raw, "do", None)
    return f"<{do}>" if isinstance(do, str) and do in _EFFECTS else None


Effect = Annotated[
    Annotated[Raise, Tag("<raise>")]
    | Annotated[Lower, Tag("<lower>")]
    | Annotated[Pin, Tag("<pin>")]
    | Annotated[After, Tag("<after>")]
    | Annotated[Hide, Tag("<hide>")]
    | Annotated[Require, Tag("<require>")]
    | Annotated[Limit, Tag("<limit>")]
    | Annotated[Interest, Tag("<interest>")],
    Discriminator(
        _kind_of_effect,
        custom_error_type="refused",
        custom_error_message="an effect does one of: " + ", ".join(_EFFECTS),
    ),
]
