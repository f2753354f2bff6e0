"""`rules lint FILE` and `rules backtest FILE`: what a rule set would do, before anybody sees it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal import clock
from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.microsite.history import count_pages, past_pages
from portal.personalize.backtest import Backtest, Fidelity, tried
from portal.personalize.findings import Finding
from portal.personalize.jsontext import MAX_TEXT
from portal.personalize.rules import RuleRefused, RuleSet, load_rule_set
from portal.personalize.shown_on import example_words
from portal.reports.second_look import second_look
from portal.rulebook import queries

group = AppGroup("rules", help="Rule sets in files: found wanting, or tried on history.")

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SITE = click.option("--site", "site_key", default="", help="Key of the site; the one the file names if not given.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_TRIED = 2_000
_ALONE = 5_000  # pages that one process has tried before a second one has started


@group.command("lint")
@_FILE
@_SITE
@_JSON
def lint_file(file: Path, site_key: str, as_json: bool) -> None:
    """Print what deserves a second look; exit code 1 if there is anything, or if the file is no rule set."""
    rules = _rules(file, as_json)
    with _opened(site_key or rules.site) as (db, site):
        found, doctors = second_look(db, site, rules, at=clock.now(), most=_TRIED)
    if as_json:
        click.echo(json.dumps({"findings": [_plain(one, rules) for one in found], "doctors_tried": doctors}))
    else:
        for one in found:
            click.echo(f"{one.place or file.name}: {one.kind}: {one.text}")
            if one.example is not None:
                click.echo(f"    for example a doctor of whom this holds: {example_words(one, rules)}")
        click.echo(f"{len(found)} finding{'' if len(found) == 1 else 's'}, tried on {doctors} doctors.")
    raise SystemExit(1 if found else 0)


@group.command("backtest")
@_FILE
@_SITE
@click.option(
    "--workers", type=click.IntRange(1, 16), help="Processes to share the pages among; two for a long history."
)
@_JSON
def backtest_file(file: Path, site_key: str, workers: int | None, as_json: bool) -> None:
    """Print what the rules would have changed on every page served; exit code 1 if history cannot be reproduced."""
    rules = _rules(file, as_json)
    with _opened(site_key or rules.site) as (db, site):
        total = count_pages(db, site.id)
        known = {(version.id, version.version): version.rules for version in queries.history(db, site.id)}
        shared = workers or (1 if total < _ALONE else 2)
        with click.progressbar(length=total, label="Pages", hidden=as_json) as bar:
            result, whole = tried(
                past_pages(db, site.id), rules, known, workers=shared, progress=lambda done: bar.update(done - bar.pos)
            )
    click.echo(json.dumps(_told(result, whole)) if as_json else _in_words(result, whole))
    raise SystemExit(0 if whole.is_whole() and not result.refused else 1)


def _rules(file: Path, as_json: bool) -> RuleSet:
    try:
        return load_rule_set(_text(file))
    except RuleRefused as refused:
        if as_json:
            errors = [{"place": place, "error": why} for place, why in refused.errors]
            click.echo(json.dumps({"errors": errors}))
        else:
            for place, why in refused.errors:
                click.echo(f"{place or file.name}: {why}", err=True)
        raise SystemExit(1) from None
    except OSError as wrong:
        raise click.UsageError(f"{file} cannot be read: {wrong}") from None


def _text(file: Path) -> str:
    """Return the text of a file, as far as a rule set may go; raise RuleRefused where it is not UTF-8."""
    with file.open("rb") as opened:
        content = opened.read(MAX_TEXT * 4 + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise RuleRefused([(f"byte {wrong.start + 1}", "this is not text in UTF-8")]) from None


@contextmanager
def _opened(site_key: str) -> Iterator[tuple[Session, SiteRecord]]:
    with current_app.extensions["portal.database"].reading() as db:
        site = contents.site_by_key(db, site_key)
        if site is None:
            raise click.UsageError(f"there is no site {site_key}")
        yield db, site


def _plain(one: Finding, rules: RuleSet) -> dict[str, object]:
    return {
        "kind": str(one.kind),
        "rule": one.rule,
        "place": one.place,
        "text": one.text,
        "others": list(one.others),
        "doctors": one.doctors,
        "example": example_words(one, rules) or None,
    }


def _told(result: Backtest, whole: Fidelity) -> dict[str, object]:
    return {
        "pages": result.pages,
        "changed": result.changed,
        "doctors": len(result.seen_doctors),
        "doctors_changed": len(result.doctors),
        "rising": [{"module": module, "pages": pages} for module, pages in result.rising()],
        "falling": [{"module": module, "pages": pages} for module, pages in result.falling()],
        "losing_sight": [
            {"doctor": doctor, "module": module, "pages": pages}
            for (doctor, module), pages in sorted(result.losing.items())
        ],
        "changed_ids": result.changed_ids,
        "unreadable": result.refused,
        "fidelity": {"pages": whole.pages, "same": whole.same, "different": whole.different[:100]},
    }


def _in_words(result: Backtest, whole: Fidelity) -> str:
    doctors = f"{len(result.doctors)} of {len(result.seen_doctors)} doctors"
    lines = [
        f"{result.changed} of {result.pages} pages change, for {doctors}.",
        *(f"  rises  {module} on {pages} pages" for module, pages in result.rising()),
        *(f"  falls  {module} on {pages} pages" for module, pages in result.falling()),
        f"{len({doctor for doctor, _ in result.losing})} doctors lose sight of something.",
        f"History: {whole.same} of {whole.pages} pages come out as they were served.",
    ]
    return "\n".join(lines)
