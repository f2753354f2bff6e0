"""How scenarios are entered in a list, with the figures each has to reach."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.journeys.dwell.stage import Stage

Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `limit` is the greatest error allowed (s), `others` the best other tracker's error where known.

    `more` is time that may be counted although nobody spent it (the grace of a desk left for good); in a `bracketed`
    scenario the truth must lie inside the bracket instead.
    """

    name: str
    title: str
    act: Act
    limit: float = 0.30
    others: float | None = None
    more: float = 0.0
    bracketed: bool = False
    united: bool = False
    flags: tuple[str, ...] = ()
    short: bool = False


class Entries(list[Scenario]):
    """Scenarios in the order in which they were entered."""

    def scenario(
        self,
        title: str,
        *,
        limit: float = 0.30,
        others: float | None = None,
        more: float = 0.0,
        bracketed: bool = False,
        united: bool = False,
        flags: tuple[str, ...] = (),
        short: bool = False,
    ) -> Callable[[Act], Act]:
        """Enter a scenario."""

        def enter(act: Act) -> Act:
            name = act.__name__.replace("_", "")
            self.append(Scenario(name, title, act, limit, others, more, bracketed, united, flags, short))
            return act

        return enter
