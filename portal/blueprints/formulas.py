"""Calculators written in the studio: a definition as text, with live checks and a trial of the very calculator."""

from dataclasses import replace

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.calculators import page as calculator_page
from portal.calculators import skeleton
from portal.calculators.calculator import Calculator, DefinitionRefused, parse_definition
from portal.calculators.evaluation import evaluate
from portal.calculators.functions import FUNCTIONS
from portal.calculators.inputs import InputRefused
from portal.calculators.page import CalculatorView
from portal.content import actions, forms, history, queries
from portal.content.actions import ContentRefused
from portal.content.drafts import ModuleContent
from portal.content.formulas import faults, with_code
from portal.content.history import VersionText
from portal.content.refusals import VersionMissing
from portal.db import is_id
from portal.staff.roles import Permission
from portal.web import guards, house, htmx, identity

_NO_CODE = "no approval code yet"

bp = Blueprint("formulas", __name__, url_prefix="/staff/content/versions/<version_id>/definition")


@bp.get("/")
@guards.staff(Permission.CONTENT_READ)
def show(version_id: str) -> Response:
    """Show the definition of a calculator, what is wrong with it, and the calculator itself."""
    found = _found(version_id)
    return _page(found, found.definition or "")


@bp.post("/check")
@guards.staff(Permission.CONTENT_WRITE)
def check(version_id: str) -> Response:
    """Check what stands in the form; nothing is kept."""
    return _page(_found(version_id), _typed())


@bp.post("/add")
@guards.staff(Permission.CONTENT_WRITE)
def add(version_id: str) -> Response:
    """Show what stands in the form with one more part in it; nothing is kept."""
    found, typed = _found(version_id), _typed()
    try:
        return _page(found, skeleton.with_part(typed, request.form.get("part", "")))
    except skeleton.PartRefused as refused:
        return _page(found, typed, refusal=str(refused), status=422)


@bp.post("/")
@guards.staff(Permission.CONTENT_WRITE)
def save(version_id: str) -> ResponseReturnValue:
    """Keep the definition in the draft; it may still have faults, which only approval forbids."""
    found, typed = _found(version_id), _typed()
    try:
        content = forms.content_of(found)
        if not isinstance(content, ModuleContent):
            abort(404)
        by = Actor.staff(identity.person().id)
        actions.edit_draft(house.db(), version_id, replace(content, definition=typed), by=by, at=house.now())
    except ContentRefused as refused:
        house.db().rollback()
        return _page(found, typed, refusal=str(refused), status=422)
    flash("The definition is kept in the draft.", "good")
    return redirect(url_for(".show", version_id=version_id), code=303)


def _typed() -> str:
    return request.form.get("definition", "").replace("\r\n", "\n")


def _found(version_id: str) -> VersionText:
    if not is_id(version_id):
        abort(404)
    try:
        found = history.version(house.db(), version_id, house.now())
    except VersionMissing:
        abort(404)
    if found.row.kind != "calculator":
        abort(404)
    return found


def _page(found: VersionText, definition: str, *, refusal: str = "", status: int = 200) -> Response:
    site = queries.site_by_key(house.db(), found.row.site_key)
    wrong = faults(definition) if definition else ("definition: it is empty",)
    calculator = _calculator(with_code(definition, _NO_CODE))
    row = found.row
    return htmx.page_or_part(
        "studio/definition.html",
        "findings",
        status,
        row=row,
        site=site,
        definition=definition,
        findings=wrong,
        trial=_trial(calculator),
        parts=[(key, words) for key, (words, _) in skeleton.PARTS.items()],
        functions=sorted(FUNCTIONS),
        known=len(calculator.definition.vectors) if calculator is not None else 0,
        refusal=refusal,
        is_open=row.state == "draft" and (row.author_id == identity.person().id or not is_id(row.author_id)),
    )


def _trial(calculator: Calculator | None) -> CalculatorView | None:
    """Return the calculator for trying it, where it can be read and its worked example has a result."""
    if calculator is None:
        return None
    try:
        evaluate(calculator, calculator.definition.worked_example.inputs)
    except InputRefused:
        return None
    return calculator_page.view(calculator)


def _calculator(definition: str) -> Calculator | None:
    try:
        return parse_definition(definition)
    except DefinitionRefused:
        return None
