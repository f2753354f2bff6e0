"""A piece as a form: every part a text as typed, kept where it is wrong, with a sentence beside it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from portal.mailing.drafts import MOST_FIELDS, PieceContent, faults_of_piece
from portal.mailing.fields import LONGEST_TEXT, MOST_PICKS, Bounds, FilledField
from portal.mailing.queries import PieceRow
from portal.mailing.refusals import Fault
from portal.mailing.states import PieceKind

EXAMPLE = """<mj-section background-color="#ffffff"><mj-column>
<mj-text>Dear {{hcp.salutation}},</mj-text>
<mj-button href="{{link.home}}">Open my page</mj-button>
</mj-column></mj-section>
{{fragments}}
<mj-section background-color="#ffffff"><mj-column>
<mj-text>Kind regards,<br/>{{rep.name}}</mj-text>
<mj-text font-size="13px">{{sender.address}}<br/><a href="{{unsubscribe}}">Unsubscribe</a> ·
<a href="{{preferences}}">Choose what you receive</a></mj-text>
</mj-column></mj-section>"""
EXAMPLE_FRAGMENT = """<mj-section background-color="#ffffff"><mj-column>
<mj-text>A sentence on what stands behind the button.</mj-text>
<mj-button href="{{link.home}}">Open my page</mj-button>
</mj-column></mj-section>"""

_FIELD = re.compile(r"f([0-9]{1,2})\.(kind|key|label|options|longest|required|restricted)")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
_ACT = re.compile(r"field:(up|down|remove):([0-9]{1,2})")
_LONGEST_LINE, _MOST_LINES = 200, 40


@dataclass(frozen=True, slots=True)
class FieldForm:
    """One picklist or free text as typed; `options` and `restricted` are one a line."""

    kind: str = "text"
    key: str = ""
    label: str = ""
    options: str = ""
    longest: str = "200"
    required: bool = True
    restricted: str = ""


@dataclass(frozen=True, slots=True)
class PieceForm:
    """A whole piece as typed."""

    kind: PieceKind = PieceKind.TEMPLATE
    site: str = ""
    key: str = ""
    title: str = ""
    subject: str = ""
    body: str = EXAMPLE
    fields: tuple[FieldForm, ...] = ()
    fewest_fragments: str = "0"
    most_fragments: str = "3"
    fragments: tuple[str, ...] = ()
    fewest_modules: str = "0"
    most_modules: str = str(MOST_PICKS)
    modules: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        """Tell whether it has a subject, fields and bounds."""
        return self.kind is PieceKind.TEMPLATE

    @property
    def may_add(self) -> bool:
        """Tell whether another field fits."""
        return len(self.fields) < MOST_FIELDS


def form_of(row: PieceRow, *, site: str) -> PieceForm:
    """Give the form that stands for a version."""
    bounds = row.bounds
    return PieceForm(
        kind=row.kind,
        site=site,
        key=row.key,
        title=row.title,
        subject=row.subject,
        body=row.body,
        fields=tuple(
            FieldForm(
                kind=field.kind,
                key=field.key,
                label=field.label,
                options="\n".join(field.options),
                longest=str(field.max_length),
                required=field.required,
                restricted="\n".join(field.restricted),
            )
            for field in row.fields
        ),
        fewest_fragments=str(bounds.fewest_fragments),
        most_fragments=str(bounds.most_fragments),
        fragments=bounds.fragments,
        fewest_modules=str(bounds.fewest_modules),
        most_modules=str(bounds.most_modules),
        modules=bounds.modules,
        audiences=row.audiences,
    )


def read(given: Mapping[str, Sequence[str]], *, kind: PieceKind | None = None) -> PieceForm:
    """Give the form that was sent, of a given kind where the piece exists; what no form of ours sends is left out."""

    def one(name: str, otherwise: str = "") -> str:
        return next(iter(given.get(name, ())), otherwise)

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each[:60] for each in given.get(name, ())[:200]))

    parts: dict[int, dict[str, str]] = {}
    for name, values in given.items():
        if (found := _FIELD.fullmatch(name)) and values:
            parts.setdefault(int(found[1]), {})[found[2]] = values[0]
    fields = tuple(
        FieldForm(
            kind="choice" if part.get("kind") == "choice" else "text",
            key=part.get("key", "").strip()[:100],
            label=part.get("label", "")[:1_000],
            options=part.get("options", "").replace("\r\n", "\n")[:20_000],
            longest=part.get("longest", "200").strip()[:20],
            required="required" in part,
            restricted=part.get("restricted", "").replace("\r\n", "\n")[:20_000],
        )
        for _, part in sorted(parts.items())
    )[: MOST_FIELDS + 1]
    kind = kind or (PieceKind.FRAGMENT if one("kind") == PieceKind.FRAGMENT else PieceKind.TEMPLATE)
    return PieceForm(
        kind=kind,
        site=one("site")[:100],
        key=one("key").strip()[:100],
        title=one("title"),
        subject=one("subject") if kind is PieceKind.TEMPLATE else "",
        body=one("body").replace("\r\n", "\n"),
        fields=fields if kind is PieceKind.TEMPLATE else (),
        fewest_fragments=one("fewest_fragments", "0").strip()[:20],
        most_fragments=one("most_fragments", "3").strip()[:20],
        fragments=many("fragments"),
        fewest_modules=one("fewest_modules", "0").strip()[:20],
        most_modules=one("most_modules", str(MOST_PICKS)).strip()[:20],
        modules=many("modules"),
        audiences=many("audiences"),
    )


def changed(form: PieceForm, act: str) -> PieceForm:
    """Give the form after a press: `field:add:text`, `field:up:2`, `field:remove:0`; anything else changes nothing."""
    if act in ("field:add:text", "field:add:choice"):
        fresh = FieldForm(kind=act.rpartition(":")[2])
        return replace(form, fields=(*form.fields, fresh)) if form.may_add else form
    found = _ACT.fullmatch(act)
    if found is None:
        untouched = form.body.strip() in ("", EXAMPLE, EXAMPLE_FRAGMENT)
        return replace(form, body=EXAMPLE if form.is_template else EXAMPLE_FRAGMENT) if untouched else form
    fields, place = list(form.fields), int(found[2])
    if place >= len(fields):
        return form
    if found[1] == "remove":
        del fields[place]
    else:
        other = place + (-1 if found[1] == "up" else 1)
        if 0 <= other < len(fields):
            fields[place], fields[other] = fields[other], fields[place]
    return replace(form, fields=tuple(fields))


def judged(form: PieceForm) -> tuple[PieceContent | None, list[Fault]]:
    """Give what the form says, None where a part of it cannot be read, and everything that is wrong with it."""
    faults: list[Fault] = []
    fields = [_field(number, field, faults) for number, field in enumerate(form.fields)]
    bounds = _bounds(form, faults) if form.is_template else Bounds()
    content = PieceContent(
        title=form.title.strip(),
        body=form.body,
        subject=form.subject.strip(),
        fields=tuple(field for field in fields if field is not None),
        bounds=bounds or Bounds(),
        audiences=form.audiences,
    )
    is_whole = bounds is not None and None not in fields
    found = faults_of_piece(form.kind, content)
    if not is_whole:  # a field that cannot be read yet is not missing from the body, nor the other way round
        found = [each for each in found if not each.field.startswith("f") and "has no field" not in each.sentence]
    faults += found
    return (content if is_whole else None), faults


def _field(number: int, form: FieldForm, faults: list[Fault]) -> FilledField | None:
    before = len(faults)

    def wrong(part: str, sentence: str) -> None:
        faults.append(Fault(f"f{number}.{part}", sentence))

    if not _KEY.fullmatch(form.key):
        wrong("key", "A key has 1 to 30 small letters, digits, hyphens or underscores, such as occasion.")
    if not _is_line(form.label.strip()):
        wrong("label", f"Say in 1 to {_LONGEST_LINE} characters what the sender fills in here.")
    options, restricted = _lines(form.options), _lines(form.restricted)
    kind: Literal["choice", "text"] = "choice" if form.kind == "choice" else "text"
    longest = _whole(form.longest, 1, LONGEST_TEXT)
    if kind == "choice":
        longest = 200
        if len(options) < 2:
            wrong("options", "A picklist needs two options or more, one a line.")
        elif len(options) > _MOST_LINES or not all(map(_is_line, options)):
            wrong("options", f"At most {_MOST_LINES} options of at most {_LONGEST_LINE} plain characters each.")
        elif len(set(options)) < len(options):
            wrong("options", "An option stands there twice.")
        restricted = []
    else:
        options = []
        if longest is None:
            wrong("longest", f"A whole number from 1 to {LONGEST_TEXT}.")
        if len(restricted) > _MOST_LINES or not all(map(_is_line, restricted)):
            wrong("restricted", f"At most {_MOST_LINES} words or phrases, one a line.")
    if len(faults) > before or longest is None:
        return None
    return FilledField(
        key=form.key,
        kind=kind,
        label=form.label.strip(),
        options=tuple(options),
        max_length=longest,
        required=form.required,
        restricted=tuple(dict.fromkeys(restricted)),
    )


def _bounds(form: PieceForm, faults: list[Fault]) -> Bounds | None:
    numbers: dict[str, int | None] = {}
    for what in ("fragments", "modules"):
        for end in ("fewest", "most"):
            name = f"{end}_{what}"
            numbers[name] = _whole(getattr(form, name), 0, MOST_PICKS)
            if numbers[name] is None:
                faults.append(Fault(name, f"A whole number from 0 to {MOST_PICKS}."))
    known = {name: number for name, number in numbers.items() if number is not None}
    if len(known) < len(numbers):
        return None
    for what in ("fragments", "modules"):
        if known[f"fewest_{what}"] > known[f"most_{what}"]:
            faults.append(Fault(f"fewest_{what}", f"The fewest {what} are more than the most."))
            return None
    return Bounds(
        fragments=form.fragments,
        fewest_fragments=known["fewest_fragments"],
        most_fragments=known["most_fragments"],
        modules=form.modules,
        fewest_modules=known["fewest_modules"],
        most_modules=known["most_modules"],
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _is_line(text: str) -> bool:
    return 1 <= len(text) <= _LONGEST_LINE and text.isprintable()


def _whole(text: str, least: int, most: int) -> int | None:
    number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else -1
    return number if least <= number <= most else None
