"""What an author writes: the content of a version, checked, sanitised, measured and hashed. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from portal.content import formulas, questions
from portal.content.refusals import DraftRefused
from portal.content.text import SectionMark, clean, count_words, sectioned

_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
# What stands under /m/ beside modules; a module of that name could never be reached, or would stand in for a page.
RESERVED_KEYS = frozenset(
    {
        "calculators",
        "choices",
        "forget",
        "home",
        "info",
        "interests",
        "leave",
        "measuring",
        "order",
        "privacy",
        "saved",
        "search",
        "why",
    }
)
_CALCULATOR = re.compile(r"[a-z0-9_]{1,40}")
CODE_SLOT = "{approval_code}"  # filled when a version is rendered, at its approval
DATE_SLOT = "{approved_on}"
_MARKS = dict.fromkeys((0xE000, 0xE001))
LONGEST_TITLE = 200
LONGEST_SUMMARY = 2_000
LONGEST_BODY = 2_000_000
LAST_POSITION = 10_000


@dataclass(frozen=True, slots=True)
class BlockContent:
    """What a version of a mandatory block says; `body` is HTML and is measured as one section."""

    title: str
    body: str
    summary: str = ""
    position: int = 0
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModuleContent:
    """What a version of a module says and is about; its sections begin at h2, `audiences` empty means everybody."""

    title: str
    body: str
    summary: str = ""
    position: int = 0
    source: Mapping[str, Any] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    key_message: str = ""
    audiences: tuple[str, ...] = ()
    calculator: str | None = None
    calculator_version: str | None = None
    definition: str | None = None  # JSON text; where it is given, it names the calculator and its version


Content = BlockContent | ModuleContent


@dataclass(frozen=True, slots=True)
class Prepared:
    """Content as it is stored: sanitised, with its sections, its words and the SHA-256 of all of it."""

    content: Content
    sections: tuple[SectionMark, ...]
    words: int
    sha256: str

    def columns(self) -> dict[str, Any]:
        """Return the columns of a version that this content fills."""
        columns = {name: getattr(self.content, name) for name in _columns_of(self.content)}
        columns |= {name: list(value) for name, value in columns.items() if isinstance(value, tuple)}
        columns["source"] = dict(self.content.source)
        columns["sections"] = [section.stored() for section in self.sections]
        return columns | {"words": self.words, "sha256": self.sha256}


def prepare(key: str, content: Content) -> Prepared:
    """Return `content` of the module or block `key` as it will be stored; raises DraftRefused."""
    content = _without_marks(content)
    if isinstance(content, ModuleContent):
        content = formulas.named(content)
    _check(content)
    body = clean(content.body).strip()
    sections: tuple[SectionMark, ...] = ()
    if isinstance(content, ModuleContent):
        body, sections = sectioned(key, body)
    if not count_words(body) and not _stands_without_body(content):
        raise DraftRefused("The body is empty; write what the reader is to see.")
    content = replace(content, title=" ".join(content.title.split()), summary=content.summary.strip(), body=body)
    words = count_words(body) or count_words(content.summary)
    columns = {name: getattr(content, name) for name in _columns_of(content)} | {"source": dict(content.source)}
    return Prepared(content, sections, words, digest(columns))


def digest(columns: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) over the content columns of a version, in one exact JSON text."""
    text = json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def columns_of_kind(*, module: bool) -> tuple[str, ...]:
    """Return the names of the content columns of a module's or a block's version."""
    return _columns_of(ModuleContent("", "") if module else BlockContent("", ""))


def check_key(key: str) -> str:
    """Return `key` if it can name a site, module, block or topic; raises DraftRefused."""
    if not _KEY.fullmatch(key):
        raise DraftRefused("A key has 1 to 60 lower-case letters, digits and hyphens, such as renal-dosing.")
    return key


def check_module_key(key: str) -> str:
    """Return `key` if it can name a module, whose address it becomes; raises DraftRefused."""
    if check_key(key) in RESERVED_KEYS:
        raise DraftRefused(f"The key {key} is taken by a page of every site; choose another, such as {key}-overview.")
    return key


def _columns_of(content: Content) -> tuple[str, ...]:
    return tuple(asdict(content))


def _stands_without_body(content: Content) -> bool:
    return isinstance(content, ModuleContent) and bool(content.calculator or questions.answers_of(content.source))


def _without_marks(content: Content) -> Content:
    """Return content without the private-use characters with which rendered fragments mark their slots."""
    return replace(
        content,
        title=content.title.translate(_MARKS),
        summary=content.summary.translate(_MARKS),
        body=content.body.translate(_MARKS),
    )


def _check(content: Content) -> None:
    if not content.title.strip():
        raise DraftRefused("The title is empty.")
    if len(content.title) > LONGEST_TITLE:
        raise DraftRefused(f"The title is longer than {LONGEST_TITLE} characters.")
    if len(content.summary) > LONGEST_SUMMARY:
        raise DraftRefused(f"The summary is longer than {LONGEST_SUMMARY} characters.")
    if len(content.body) > LONGEST_BODY:
        raise DraftRefused(f"The body is longer than {LONGEST_BODY:,} characters.")
    if not 0 <= content.position <= LAST_POSITION:
        raise DraftRefused(f"The place in the standard order is a number from 0 to {LAST_POSITION:,}.")
    if any("\x00" in text for text in (content.title, content.summary, content.body)):
        raise DraftRefused("The text contains a character that cannot be stored (NUL).")
    if isinstance(content, ModuleContent):
        for name in (*content.topics, *content.audiences):
            check_key(name)
        if len(content.key_message) > LONGEST_SUMMARY:
            raise DraftRefused(f"The key message is longer than {LONGEST_SUMMARY} characters.")
        if content.calculator is not None and not _CALCULATOR.fullmatch(content.calculator):
            raise DraftRefused("The name of a calculator has lower-case letters, digits and underscores.")
        if (content.calculator is None) != (content.calculator_version is None):
            raise DraftRefused("A calculator is named with its version.")
        if len(content.calculator_version or "") > 20:
            raise DraftRefused("The version of a calculator has at most 20 characters.")
