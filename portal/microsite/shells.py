"""Shells of pages: everything around the cards and bodies, rendered once per set of blocks in force and stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from portal.content.queries import BlockInForce, SiteRecord
from portal.microsite.pieces import fragment_hash, slot, without_marks
from portal.microsite.press import Press
from portal.microsite.stock import SiteInForce

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
    """Prints shells and remembers them; one per process."""

    def __init__(self, press: Press) -> None:
        """Start with nothing remembered."""
        self._press = press
        self._printed: dict[tuple[Any, ...], tuple[str, str]] = {}

    def shell(self, template: str, in_force: SiteInForce, *, metered: bool, **context: Any) -> tuple[str, str]:
        """Return (hash, HTML) of a shell; it must be stored with the page that is made of it."""
        site, blocks = in_force.site, in_force.blocks
        context["calculators"] = in_force.has_calculators
        key = (template, site.id, site.revision, in_force.block_versions, metered, tuple(sorted(context.items())))
        printed = self._printed.get(key)
        if printed is None:
            html = self._print(template, site, blocks, metered=metered, context=dict(context))
            if len(self._printed) >= _KEPT:
                self._printed.clear()
            printed = self._printed[key] = fragment_hash(html), html
        return printed

    def _print(
        self,
        template: str,
        site: SiteRecord,
        blocks: Sequence[BlockInForce],
        *,
        metered: bool,
        context: dict[str, Any],
    ) -> str:
        shown = [
            ShellBlock(b.key, b.kind, without_marks(b.title), b.words, Markup(slot(f"block:{b.key}"))) for b in blocks
        ]
        measuring, page = dict(context.pop("measuring")), context.pop("page")
        frame = _frame(site, blocks, page, strip=context.pop("strip", ""), calculators=context.pop("calculators"))
        main = {"data-subject": page}
        if metered:
            main |= {"data-view": slot("view"), "data-journal": slot("journal"), **measuring}
        return self._press.print(
            template,
            frame=frame,
            main_data=main,
            metered=metered,
            top_blocks=[b for kind in _TOP for b in shown if b.kind == kind],
            foot_blocks=[b for b in shown if b.kind not in (*_TOP, *_LINKED, "notice", "approval")],
            **context,
        )


def _frame(
    site: SiteRecord, blocks: Sequence[BlockInForce], page: str, *, strip: str, calculators: bool
) -> dict[str, Any]:
    approval: BlockInForce | None = next((b for b in blocks if b.kind == "approval"), None)
    kinds = {b.kind for b in blocks}
    settings = site.settings
    places = [
        ("For you", "/m/", "home"),
        ("Calculators", "/m/calculators", "calculators"),
        ("Saved", "/m/saved", "saved"),
    ]
    places += [("Search", "/m/search", "search"), ("Privacy", "/m/privacy", "privacy")]
    return {
        "brand": site.brand,
        "generic": site.generic,
        "audience": next((b.title for b in blocks if b.kind == "notice"), settings.get("audience", "")),
        "home_url": "/m/",
        "nav": [(label, url, name == page) for label, url, name in places if calculators or name != "calculators"],
        "safety_url": "#isi" if "isi" in kinds else "",
        "prescribing_url": "/m/info/pi" if "pi" in kinds else "",
        "report_url": "#adverse-events" if "adverse-events" in kinds else "",
        "approval_code": approval.approval_code if approval else "",
        "approval_date": _day(approval.approved_at) if approval else "",
        "privacy_url": "/m/privacy",
        "how_url": "/m/measuring",
        "sender": settings.get("sender", ""),
        "demo": settings.get("demo", ""),
        "strip": strip,
    }


def _day(moment: datetime | None) -> str:
    return f"{moment.day} {moment:%b %Y}" if moment else ""
