"""The content of a site at a glance: each module and block with what is served, and what is under way."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.content.history import VersionRow
from portal.content.states import Standing

_UNDER_WAY = (Standing.DRAFT, Standing.IN_REVIEW, Standing.SCHEDULED)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One module or block: its newest version, the one in force, and one not yet in force, where there is one."""

    key: str
    kind: str
    newest: VersionRow
    in_force: VersionRow | None
    under_way: VersionRow | None

    @property
    def shown(self) -> VersionRow:
        """Give the version that stands for the whole: what is served, else the newest."""
        return self.in_force or self.newest


def shelves(rows: Iterable[VersionRow], subject: str) -> list[Shelf]:
    """Return one shelf for every module (or block), by key; the rows come newest version first."""
    by_id: dict[str, list[VersionRow]] = {}
    for row in rows:
        if row.subject == subject:
            by_id.setdefault(row.subject_id, []).append(row)
    return [
        Shelf(
            versions[0].key,
            versions[0].kind,
            versions[0],
            next((row for row in versions if row.standing is Standing.IN_FORCE), None),
            next((row for row in versions if row.standing in _UNDER_WAY), None),
        )
        for versions in by_id.values()
    ]
