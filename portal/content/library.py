"""The calculators that sites serve at one moment, for whoever asks them outside a page."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.calculators.calculator import Calculator, DefinitionRefused, parse_definition
from portal.calculators.registry import Approved, Library
from portal.content.models import Module, ModuleVersion, Site
from portal.content.queries import served
from portal.content.states import State


def library(db: Session, at: datetime, *, site_id: str | None = None) -> Library:
    """Return the calculators to be asked at `at`: of one site just those in force, else with those that ship.

    Where sites serve different versions of one calculator, the newest is asked. What was approved somewhere and is in
    force nowhere is asked no more.
    """
    here = () if site_id is None else (Module.site_id == site_id,)
    in_force: dict[str, Approved] = {}
    for definition, code in db.execute(
        _versions(ModuleVersion.definition, ModuleVersion.approval_code).where(served(ModuleVersion, at), *here)
    ):
        found = _read(definition)
        if found is not None and _is_newer(found, in_force.get(found.name)):
            in_force[found.name] = Approved(found, code)
    stopped: dict[str, str] = {}
    past = _versions(
        ModuleVersion.calculator,
        ModuleVersion.calculator_version,
        ModuleVersion.state,
        ModuleVersion.withdrawn_reason,
        ModuleVersion.in_force_from,
        Site.key,
    ).where(ModuleVersion.state.in_((State.APPROVED, State.WITHDRAWN)), *here)
    for name, version, state, reason, since, site in db.execute(past.order_by(ModuleVersion.approved_at)):
        if name in in_force or (since is not None and since > at and state == State.APPROVED):
            continue
        why = f"withdrawn: {(reason or '').rstrip('.')}" if state == State.WITHDRAWN else "no longer in force"
        stopped[name] = f"The calculator {name}, version {version}, is {why} ({site})."
    return Library(in_force, stopped, with_shipped=site_id is None)


def _versions(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(Module, Module.id == ModuleVersion.module_id)
        .join(Site, Site.id == Module.site_id)
        .where(ModuleVersion.calculator.is_not(None), ModuleVersion.definition.is_not(None))
    )


def _read(definition: str) -> Calculator | None:
    try:
        return parse_definition(definition)
    except DefinitionRefused:
        return None


def _is_newer(found: Calculator, known: Approved | None) -> bool:
    return known is None or _number(found.version) > _number(known.calculator.version)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
