"""A piece as a mail would show it, filled with examples: what authors and reviewers look at."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.content import queries as content
from portal.content.queries import SiteRecord
from portal.mailing.blockers import mail_settings
from portal.mailing.composing import Call, Composed, Parts, Reader, compose
from portal.mailing.drafts import PieceContent, module_targets
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.placeholders import FRAGMENTS, places
from portal.mailing.queries import Piece, PieceRow, content_of, pieces_in_force
from portal.mailing.rendering import Rendered, frame, render
from portal.mailing.states import PieceKind

_SALUTATION, _REP = "Dr Example", "A. Representative"
_NO_ADDRESS = "(the site has no postal address of its sender yet)"


def of_draft(
    db: Session, site: SiteRecord, kind: PieceKind, draft: PieceContent, *, inert: Mapping[str, str], at: datetime
) -> Composed:
    """Return the mail that a draft would make; raises PieceRefused where it cannot be rendered."""
    rendered = render(kind, draft.body, title=draft.title or "Draft", language=site.language)
    return _composed(db, site, kind, draft, rendered, inert, at)


def of_version(db: Session, site: SiteRecord, row: PieceRow, *, inert: Mapping[str, str], at: datetime) -> Composed:
    """Return the mail that a version makes: from what was rendered at its approval, or what would be."""
    draft = content_of(row)
    if row.html is None or row.text is None:
        return of_draft(db, site, row.kind, draft, inert=inert, at=at)
    return _composed(db, site, row.kind, draft, Rendered(row.html, row.text, row.row_html), inert, at)


def remarks(db: Session, site: SiteRecord, kind: PieceKind, draft: PieceContent, at: datetime) -> list[str]:
    """Return what an author should know that does not stand against a draft yet."""
    said = []
    in_force = {module.key for module in content.modules_in_force(db, site.id, at)}
    lost = sorted(module_targets(draft.body) - in_force)
    if lost:
        said.append(f"It links to {', '.join(lost)}: no module of that name is in force, so it could not be sent.")
    if kind is PieceKind.TEMPLATE:
        if draft.bounds.most_fragments and FRAGMENTS not in {place.name for place in places(draft.body)}:
            said.append("No fragment is offered to the sender, as {{fragments}} stands nowhere in the body.")
        if not mail_settings(site).address:
            said.append("The site has no postal address of its sender; nothing is sent before one is set.")
    return said


def _composed(
    db: Session,
    site: SiteRecord,
    kind: PieceKind,
    draft: PieceContent,
    rendered: Rendered,
    inert: Mapping[str, str],
    at: datetime,
) -> Composed:
    piece = _piece(site, kind, draft, rendered)
    if kind is PieceKind.FRAGMENT:
        shell = Rendered(frame(title=draft.title or "Draft", language=site.language), "{{fragments}}", None)
        template = _piece(site, PieceKind.TEMPLATE, PieceContent(draft.title, "", draft.title), shell)
        parts = Parts(template, (piece,), (), {})
    else:
        offered = [
            each
            for each in pieces_in_force(db, site.id, PieceKind.FRAGMENT, at)
            if draft.bounds.admits_fragment(each.key)
        ]
        modules = [
            (each.key, each.title)
            for each in content.modules_in_force(db, site.id, at)
            if draft.bounds.admits_module(each.key)
        ]
        values = {field.key: _example(field) for field in draft.fields}
        most = draft.bounds
        parts = Parts(piece, tuple(offered[: most.most_fragments]), tuple(modules[: min(2, most.most_modules)]), values)
    reader = Reader(_SALUTATION, _REP, mail_settings(site).address or _NO_ADDRESS, inert["u"], inert["p"])

    def url_of(_: Call) -> str:
        return inert["v"]

    return compose(parts, reader, url_of)


def _piece(site: SiteRecord, kind: PieceKind, draft: PieceContent, rendered: Rendered) -> Piece:
    return Piece(
        id="",
        piece_id="",
        site_id=site.id,
        key="draft",
        kind=kind,
        number=0,
        title=draft.title,
        subject=draft.subject,
        fields=draft.fields,
        bounds=Bounds(),
        audiences=(),
        html=rendered.html,
        text=rendered.text,
        row_html=rendered.row_html or "",
        approval_code="",
        in_force_until=None,
    )


def _example(field: FilledField) -> str:
    return field.options[0] if field.options else f"[{field.label}]"
