"""Finding modules by words: the index is made once per version, and what was looked for is kept nowhere."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.content.models import ModuleVersion
from portal.content.queries import ModuleInForce

LONGEST = 200
_MOST_WORDS = 10
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[^\W_]+")
_TITLE, _SECTION, _SUMMARY, _BODY = 8, 3, 3, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """What one version says, as words: the heaviest place in which each stands."""

    weights: Mapping[str, int]

    @classmethod
    def of(cls, *, title: str, sections: Sequence[str], summary: str, body: str) -> "Entry":
        """Return the entry of a version; `body` is HTML."""
        weights: dict[str, int] = {}
        places = ((title, _TITLE), (" ".join(sections), _SECTION), (summary, _SUMMARY), (_plain(body), _BODY))
        for text, weight in places:
            for word in words_of(text):
                weights[word] = max(weight, weights.get(word, 0))
        return cls(weights)

    def score(self, words: Sequence[str]) -> int:
        """Return how well every word is met by a word that begins with it; 0 where one is not met at all."""
        total = 0
        for wanted in words:
            best = max((weight for word, weight in self.weights.items() if word.startswith(wanted)), default=0)
            if not best:
                return 0
            total += best * 2 if wanted in self.weights else best
        return total


class Index:
    """The entries of one process, by version; a version never changes, so an entry is never out of date."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._entries: dict[str, Entry] = {}

    def find(self, db: Session, modules: Sequence[ModuleInForce], asked: str) -> list[str]:
        """Return the keys of the modules in which every word asked for occurs, the best first, then as given."""
        words = words_of(asked[:LONGEST])[:_MOST_WORDS]
        if not words:
            return []
        self._read(db, [module.version_id for module in modules if module.version_id not in self._entries])
        scored = [(self._entries[module.version_id].score(words), module.key) for module in modules]
        return [key for score, key in sorted(scored, key=lambda each: -each[0]) if score]

    def _read(self, db: Session, version_ids: Sequence[str]) -> None:
        if not version_ids:
            return
        v = ModuleVersion
        rows = db.execute(select(v.id, v.title, v.sections, v.summary, v.body).where(v.id.in_(version_ids))).all()
        for row in rows:
            titles = [str(section.get("title", "")) for section in row.sections]
            self._entries[row.id] = Entry.of(title=row.title, sections=titles, summary=row.summary, body=row.body)


def words_of(text: str) -> list[str]:
    """Return the words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(each for each in plain if not unicodedata.combining(each)))


def _plain(html: str) -> str:
    return unescape(_TAG.sub(" ", html))
