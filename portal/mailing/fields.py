"""What a sender may fill in, and the check of what they filled in. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from portal.mailing.refusals import Fault

MOST_PICKS = 5
LONGEST_TEXT = 500
RESTRICTED = (
    "adverse event",
    "best in class",
    "cheaper",
    "cure",
    "cures",
    "gift",
    "guarantee",
    "guaranteed",
    "miracle",
    "no risk",
    "no side effects",
    "off-label",
    "risk-free",
    "safer",
    "safest",
    "side effect",
    "superior",
    "unsafe",
)

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,29}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# What mail programs turn into links by themselves: any name that ends like one, a path behind it or not, and numbers.
_ADDRESS = re.compile(
    r"(?i:[a-z]{2,12}://|mailto:|www\.|\b[\w-]+\.(?:com|net|org|info|io|co|de|uk|eu|fr|health|example)\b)|@"
    r"|\b[\w-]*[^\W\d_]\.(?:[a-z]{2,24}|[A-Z]{2,24})\b|\b[\w-]*[^\W\d_]\w*\.[^\W\d_]{2,24}/|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
# Letters of other scripts that look like Latin ones, by what they look like.
_ALIKE = str.maketrans(dict(zip("аеорсухіѕјһԁӏαειορτυνκχ", "aeopcyxisjhdlaeioptuvkx", strict=True)))
_DOTS = str.maketrans(dict.fromkeys("。．｡․", "."))
_HIDDEN = {"Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp"}


class FilledField(BaseModel):
    """A picklist or a limited free text of a template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    kind: Literal["choice", "text"]
    label: Line
    options: tuple[Line, ...] = ()
    max_length: int = Field(default=200, ge=1, le=LONGEST_TEXT)
    required: bool = True
    restricted: tuple[Line, ...] = ()  # words this free text may not use, beside those of the site and of the portal

    @model_validator(mode="after")
    def _is_whole(self) -> "FilledField":
        if self.kind == "choice" and len(self.options) < 2:
            raise ValueError("a picklist needs two options or more")
        if self.kind == "text" and self.options:
            raise ValueError("free text has no options")
        if self.kind == "choice" and self.restricted:
            raise ValueError("a picklist has no restricted words: its options are approved")
        return self

    def as_stored(self) -> dict[str, Any]:
        """Return it as JSON; without restricted words as before there were any, so that hashes stay what they were."""
        stored = self.model_dump(mode="json")
        if not self.restricted:
            del stored["restricted"]
        return stored

    @property
    def place(self) -> str:
        """Return the placeholder this fills."""
        return f"{self.kind}.{self.key}"


class Bounds(BaseModel):
    """Which fragments and modules a sender may pick for a template, and how many; empty lists allow all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fragments: tuple[str, ...] = ()
    fewest_fragments: int = Field(default=0, ge=0, le=MOST_PICKS)
    most_fragments: int = Field(default=3, ge=0, le=MOST_PICKS)
    modules: tuple[str, ...] = ()
    fewest_modules: int = Field(default=0, ge=0, le=MOST_PICKS)
    most_modules: int = Field(default=MOST_PICKS, ge=0, le=MOST_PICKS)

    @model_validator(mode="after")
    def _is_possible(self) -> "Bounds":
        if self.fewest_fragments > self.most_fragments or self.fewest_modules > self.most_modules:
            raise ValueError("the fewest are more than the most")
        return self

    def admits_fragment(self, key: str) -> bool:
        """Tell whether a fragment may be picked."""
        return not self.fragments or key in self.fragments

    def admits_module(self, key: str) -> bool:
        """Tell whether a module may be picked."""
        return not self.modules or key in self.modules


def tidy(value: str) -> str:
    """Return free text in one spelling (NFC), without invisible characters, with single blanks and plain line ends."""
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    shown = "".join(sign for sign in value if sign == "\n" or unicodedata.category(sign) not in _HIDDEN)
    lines = [" ".join(line.split()) for line in shown.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(value: str, most: int) -> str:
    """Return a value fit for a header: tidy, on one line, at most `most` characters."""
    return " ".join(tidy(value).split())[:most].rstrip()


def restricted_in(value: str, words: Iterable[str]) -> str | None:
    """Return the first restricted word or phrase in `value`, its plural too, however spaced, cased or accented."""
    plain = f" {_plain(value)} "
    for word in words:
        wanted = _plain(word)
        if wanted and any(f" {wanted}{ending} " in plain for ending in ("", "s", "es")):
            return word
    return None


def faults_of(
    fields: Sequence[FilledField], given: Mapping[str, str], words: Iterable[str] = RESTRICTED
) -> list[Fault]:
    """Return what is wrong with the values given, by the key of their field."""
    words = tuple(words)
    faults = []
    for field in fields:
        value = given.get(field.key, "")
        if not value:
            if field.required:
                faults.append(
                    Fault(
                        field.key,
                        f"{field.label}: choose one." if field.options else f"{field.label}: write something.",
                    )
                )
        elif field.kind == "choice":
            if value not in field.options:
                faults.append(Fault(field.key, f"{field.label}: choose one of the options."))
        else:
            found = _text_faults(field, value, (*words, *field.restricted))
            faults += [Fault(field.key, f"{field.label}: {said}") for said in found]
    return faults


def _text_faults(field: FilledField, value: str, words: Sequence[str]) -> list[str]:
    said = []
    if len(value) > field.max_length:
        said.append(f"at most {field.max_length} characters; this has {len(value)}.")
    if "{{" in value or "}}" in value:
        said.append("double braces are for approved text only.")
    address = _ADDRESS.search(value.translate(_DOTS))
    if address is not None:
        words_of_it = f"“{address[0][:40]}” reads like an address"
        said.append(f"{words_of_it}, and addresses and links are not allowed here; pick a module instead.")
    word = restricted_in(value, words)
    if word is not None:
        said.append(f"“{word}” may not be used in free text.")
    return said


def _plain(value: str) -> str:
    folded = unicodedata.normalize("NFKD", tidy(value)).casefold()
    shown = "".join(sign for sign in folded if not unicodedata.combining(sign)).translate(_ALIKE)
    return " ".join(re.findall(r"[^\W_]+", shown))
