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
from portal.microsite.assemble import candidates
from portal.microsite.history import count_pages, past_pages, recent_facts
from portal.personalize.backtest import Backtest, Fidelity, tried
from portal.personalize.findings import Finding
from portal.personalize.lint import lint
from portal.personalize.rules import RuleRefused, RuleSet, load_rule_set
from portal.rulebook import queries

group = AppGroup("rules", help="Rule sets in files: found wanting, or tried on history.")

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SITE = click.option("--site", "site_key", default="", help="Key of the site; the one the file names if not given.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_TRIED = 2_000


@group.command("lint")
@_FILE
@_SITE
@_JSON
def lint_file(file: Path, site_key: str, as_json: bool) -> None:
    """Print what deserves a second look; exit code 1 if there is anything, or if the file is no rule set."""
    rules = _rules(file, as_json)
    with _opened(site_key or rules.site) as (db, site):
        at = clock.now()
        served = contents.modules_in_force(db, site.id, at)
        calculators = frozenset(module.calculator for module in served if module.calculator)
        tried = recent_facts(db, site.id, limit=_TRIED)
        found = lint(rules, candidates(served), tried, at=at, calculators=calculators)
    if as_json:
        click.echo(json.dumps({"findings": [_plain(one) for one in found], "doctors_tried": len(tried)}))
    else:
        for one in found:
            click.echo(f"{one.place or file.name}: {one.kind}: {one.text}")
        click.echo(f"{len(found)} finding{'' if len(found) == 1 else 's'}, tried on {len(tried)} doctors.")
    raise SystemExit(1 if found else 0)


@group.command("backtest")
@_FILE
@_SITE
@click.option("--workers", type=click.IntRange(1, 16), default=1, help="Processes to share the pages among.")
@_JSON
def backtest_file(file: Path, site_key: str, workers: int, as_json: bool) -> None:
    """Print what the rules would have changed on every page served; exit code 1 if history cannot be reproduced."""
    rules = _rules(file, as_json)
    with _opened(site_key or rules.site) as (db, site):
        total = count_pages(db, site.id)
        known = {(version.id, version.version): version.rules for version in queries.history(db, site.id)}
        with click.progressbar(length=total, label="Pages", hidden=as_json) as bar:
            result, whole = tried(
                past_pages(db, site.id), rules, known, workers=workers, progress=lambda done: bar.update(done - bar.pos)
            )
    click.echo(json.dumps(_told(result, whole)) if as_json else _in_words(result, whole))
    raise SystemExit(0 if whole.is_whole() and not result.refused else 1)


def _rules(file: Path, as_json: bool) -> RuleSet:
    try:
        return load_rule_set(file.read_text(encoding="utf-8"))
    except RuleRefused as refused:
        if as_json:
            errors = [{"place": place, "error": why} for place, why in refused.errors]
            click.echo(json.dumps({"errors": errors}))
        else:
            for place, why in refused.errors:
                click.echo(f"{place or file.name}: {why}", err=True)
        raise SystemExit(1) from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise click.UsageError(f"{file} cannot be read as text: {wrong}") from None


@contextmanager
def _opened(site_key: str) -> Iterator[tuple[Session, SiteRecord]]:
    with current_app.extensions["portal.database"].reading() as db:
        site = contents.site_by_key(db, site_key)
        if site is None:
            raise click.UsageError(f"there is no site {site_key}")
        yield db, site


def _plain(one: Finding) -> dict[str, object]:
    return {
        "kind": str(one.kind),
        "rule": one.rule,
        "place": one.place,
        "text": one.text,
        "others": list(one.others),
        "doctors": one.doctors,
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
