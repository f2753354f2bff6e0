"""Shells of pages: everything around the cards and bodies, rendered once per set of blocks in force and stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from portal.content.queries import BlockInForce, store_fragment
from portal.microsite.pieces import fragment_hash, slot, without_marks
from portal.microsite.press import Press

_TOP = ("boxed-warning", "indication")
_LINKED = ("pi",)  # too long for every page: one tap away in the bar
_KEPT = 512


@dataclass(frozen=True, slots=True)
class ShellBlock:
    """A mandatory block as a shell prints it: a slot for its stored fragment, with what measuring needs."""

    key: str
    kind: str
    title: str
    words: int
    html: Markup


class Shells:
    """Prints shells and remembers which are stored; one per process."""

    def __init__(self, press: Press) -> None:
        """Start with nothing remembered."""
        self._press = press
        self._stored: dict[tuple[Any, ...], tuple[str, str]] = {}

    def shell(
        self,
        db: Session,
        template: str,
        site: Any,
        blocks: Sequence[BlockInForce],
        *,
        metered: bool,
        at: datetime,
        **context: Any,
    ) -> tuple[str, str]:
        """Return (hash, HTML) of a shell, storing it where this process has not yet done so."""
        key = (template, site.id, tuple(b.version_id for b in blocks), metered, tuple(sorted(context.items())))
        known = self._stored.get(key)
        if known is None:
            html = self._print(template, site, blocks, metered=metered, context=dict(context))
            known = (fragment_hash(html), html)
            if len(self._stored) >= _KEPT:
                self._stored.clear()
            self._stored[key] = known
            store_fragment(db, html, at)
        return known

    def forget(self) -> None:
        """Forget what was stored: the transaction that stored it did not commit."""
        self._stored.clear()

    def _print(
        self, template: str, site: Any, blocks: Sequence[BlockInForce], *, metered: bool, context: dict[str, Any]
    ) -> str:
        shown = [
            ShellBlock(b.key, b.kind, without_marks(b.title), b.words, Markup(slot(f"block:{b.key}"))) for b in blocks
        ]
        measuring = dict(context.pop("measuring"))
        main = {"data-view": slot("view"), "data-journal": slot("journal"), **measuring} if metered else {}
        return self._press.print(
            template,
            frame=_frame(site, blocks),
            main_data=main,
            metered=metered,
            top_blocks=[b for kind in _TOP for b in shown if b.kind == kind],
            foot_blocks=[b for b in shown if b.kind not in (*_TOP, *_LINKED, "notice", "approval")],
            **context,
        )


def _frame(site: Any, blocks: Sequence[BlockInForce]) -> dict[str, Any]:
    approval: BlockInForce | None = next((b for b in blocks if b.kind == "approval"), None)
    kinds = {b.kind for b in blocks}
    settings = site.settings
    return {
        "brand": site.brand,
        "generic": site.generic,
        "audience": next((b.title for b in blocks if b.kind == "notice"), settings.get("audience", "")),
        "home_url": "/m/",
        "nav": [],
        "safety_url": "#isi" if "isi" in kinds else "",
        "prescribing_url": "/m/info/pi" if "pi" in kinds else "",
        "report_url": "#adverse-events" if "adverse-events" in kinds else "",
        "approval_code": approval.approval_code if approval else "",
        "approval_date": _day(approval.approved_at) if approval else "",
        "privacy_url": "/m/privacy",
        "how_url": "/m/measuring",
        "sender": settings.get("sender", ""),
        "demo": settings.get("demo", ""),
    }


def _day(moment: datetime | None) -> str:
    return f"{moment.day} {moment:%b %Y}" if moment else ""
