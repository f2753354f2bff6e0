"""Who did it."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The kinds of author a deed can have."""

    STAFF = "staff"
    HCP = "hcp"
    VISITOR = "visitor"  # somebody with a link who is not known to be the doctor
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a deed; `id` is the row of that kind, None where nobody is known."""

    kind: ActorKind
    id: str | None = None

    @classmethod
    def staff(cls, user_id: str) -> "Actor":
        """Return the actor for a signed-in member of staff."""
        return cls(ActorKind.STAFF, user_id)

    @classmethod
    def hcp(cls, hcp_id: str) -> "Actor":
        """Return the actor for a doctor whose device is known."""
        return cls(ActorKind.HCP, hcp_id)

    @classmethod
    def visitor(cls) -> "Actor":
        """Return the actor for somebody who is not known to be the doctor."""
        return cls(ActorKind.VISITOR)

    @classmethod
    def system(cls, part: str) -> "Actor":
        """Return the actor for a part of the portal, such as `worker` or `cli`."""
        return cls(ActorKind.SYSTEM, part)
