"""What a sender may fill in and pick for a template, as sentences; and a version as text, to compare. Pure."""

from collections.abc import Mapping

from portal.mailing.fields import FilledField
from portal.mailing.queries import PieceRow
from portal.mailing.states import PieceKind


def in_words(row: PieceRow, *, fragments: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a sender may do with a template as (term, sentence); `fragments` are titles by key."""
    if row.kind is PieceKind.FRAGMENT:
        return []
    bounds = row.bounds
    listed = [(field.label, _field(field)) for field in row.fields]
    chosen = tuple(fragments.get(key, key) for key in bounds.fragments)
    listed.append(("Fragments", _picks(bounds.fewest_fragments, bounds.most_fragments, chosen)))
    listed.append(("Modules", _picks(bounds.fewest_modules, bounds.most_modules, bounds.modules)))
    return listed


def as_text(row: PieceRow) -> str:
    """Return all that a version says as one text."""
    parts = [row.title, row.subject, row.body, *(f"{term}: {said}" for term, said in in_words(row, fragments={}))]
    parts.append(f"For: {', '.join(row.audiences) or 'everybody'}")
    return "\n".join(part for part in parts if part)


def _field(field: FilledField) -> str:
    must = "has to be filled in" if field.required else "may stay empty"
    if field.options:
        return f"{{{{{field.place}}}}}: one of {', '.join(f'“{option}”' for option in field.options)}; {must}"
    words = f"; never {', '.join(field.restricted)}" if field.restricted else ""
    return f"{{{{{field.place}}}}}: at most {field.max_length} characters; {must}{words}"


def _picks(fewest: int, most: int, of: tuple[str, ...]) -> str:
    if not most:
        return "none"
    count = f"exactly {most}" if fewest == most else f"{fewest} to {most}" if fewest else f"up to {most}"
    return f"{count} of {', '.join(of)}" if of else f"{count} of all that are in force"
