"""`explain --arrangement ID`: why a served page was as it was, in sentences."""

import json

import click
from flask import current_app
from flask.cli import with_appcontext

from portal.microsite.history import past_page
from portal.personalize.arrangement import Arrangement, Mode
from portal.personalize.codec import arrangement_from_json, candidates_from_json, facts_from_json
from portal.personalize.explain import Explained, account, explained, state_words
from portal.personalize.words import Names
from portal.rulebook import queries

_MODES = {
    Mode.PERSONAL: "in a personal order",
    Mode.STANDARD: "in the standard order, as the doctor asked",
    Mode.HOLDOUT: "in the standard order, kept for comparison",
    Mode.NO_CONSENT: "in the standard order, without consent to profiling",
    Mode.UNKNOWN_DEVICE: "in the standard order, on a device that is not known",
}


@click.command("explain")
@click.option("--arrangement", "arrangement_id", required=True, help="Id of the arrangement.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def group(arrangement_id: str, as_json: bool) -> None:
    """Print every module of a served page with its reason, what was left out, and what became of every rule."""
    with current_app.extensions["portal.database"].reading() as db:
        found = past_page(db, arrangement_id)
        version = queries.rule_set(db, found[0].rule_set) if found else None
    if found is None or version is None:
        raise click.ClickException("there is no such arrangement")
    stored, decision = found
    page, facts = arrangement_from_json(decision), facts_from_json(stored.facts)
    titles = {one.module: one.title for one in candidates_from_json(stored.candidates) if one.title}
    rules = explained(facts, version.rules, Names(modules=titles))
    if as_json:
        click.echo(json.dumps({"id": stored.id, "at": facts.at.isoformat(), **_told(page, rules)}))
        return
    click.echo(f"Page of {facts.at.isoformat()}, {_MODES[page.mode]}, by version {page.rule_set_version} of the rules.")
    for line in _lines(page, rules, titles):
        click.echo(line)


def _lines(page: Arrangement, rules: tuple[Explained, ...], titles: dict[str, str]) -> list[str]:
    lines = [
        f"{item.place:>3}. {titles.get(item.module, item.module)}: {item.reason} [{account(item)}]"
        for item in page.items
    ]
    if page.not_shown:
        lines.append("Not shown:")
        lines += [f"     {titles.get(left.module, left.module)}: {left.sentence}" for left in page.not_shown]
    lines.append("Rules:" if rules else "No rules.")
    for rule in rules:
        lines.append(f"     {rule.name}: {state_words(rule.state)}. {rule.sentence}")
        lines += [f"       {'met' if fit.met else 'not met'}: {fit.text}" for fit in rule.fits]
    return lines


def _told(page: Arrangement, rules: tuple[Explained, ...]) -> dict[str, object]:
    return {
        "mode": page.mode,
        "rule_set": page.rule_set,
        "rule_set_version": page.rule_set_version,
        "items": [
            {
                "place": item.place,
                "module": item.module,
                "version": item.version,
                "score": item.score,
                "reason": item.reason,
                "contributions": [one._asdict() for one in item.contributions],
            }
            for item in page.items
        ],
        "not_shown": [left._asdict() for left in page.not_shown],
        "rules": [
            {
                "rule": rule.rule,
                "name": rule.name,
                "state": rule.state,
                "sentence": rule.sentence,
                "fits": [fit._asdict() for fit in rule.fits],
            }
            for rule in rules
        ],
    }
