"""Who may open a route: the decorators declare, one `before_request` enforces, `seal` refuses what is undeclared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from portal.staff.roles import Permission, may
from portal.web import house, identity

_View = TypeVar("_View", bound=Callable[..., Any])

_NUL = "\0"  # nothing has such a name, nobody types it, and PostgreSQL cannot be asked for it


class Public(StrEnum):
    """The kinds of public a route can be for."""

    EVERYBODY = "everybody"
    VISIT = "visit"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who may open a view; `why` says why a door stands open."""

    public: Public
    permission: Permission | None = None
    why: str = ""
    cross_site: bool = False  # machines post here without an Origin (mail servers, one-click unsubscribe)


class UndeclaredRoute(Exception):
    """A route that does not say who may open it."""


_DECLARED = "__portal_guard__"


def public(why: str, *, cross_site: bool = False) -> Callable[[_View], _View]:
    """Declare a view open to everybody and say why; `cross_site` lets other origins post to it."""
    return _declare(Declaration(Public.EVERYBODY, why=why, cross_site=cross_site))


def visit(view: _View) -> _View:
    """Declare a view open to visits only."""
    return _declare(Declaration(Public.VISIT))(view)


def staff(permission: Permission) -> Callable[[_View], _View]:
    """Declare a view open to signed-in staff who hold `permission`."""
    return _declare(Declaration(Public.STAFF, permission))


def _declare(declaration: Declaration) -> Callable[[_View], _View]:
    def mark(view: _View) -> _View:
        setattr(view, _DECLARED, declaration)
        return view

    return mark


def declaration_of(app: Flask, endpoint: str) -> Declaration | None:
    """Return what a view declared, None where it declared nothing."""
    declared = getattr(app.view_functions.get(endpoint), _DECLARED, None)
    return declared if isinstance(declared, Declaration) else None


def seal(app: Flask) -> None:
    """Enforce the declarations; raises UndeclaredRoute naming every route that has none."""
    undeclared = sorted(
        {rule.rule for rule in app.url_map.iter_rules() if declaration_of(app, rule.endpoint) is None},
    )
    if undeclared:
        raise UndeclaredRoute("who may open " + ", ".join(undeclared) + "?")
    app.before_request(_enforce)


def _enforce() -> Response | None:
    if request.endpoint is None:
        return None  # no such route: the error page answers
    declared = declaration_of(current_app, request.endpoint)
    if declared is None:
        abort(403)
    if request.method not in ("GET", "HEAD", "OPTIONS") and not declared.cross_site and not is_same_origin():
        abort(403, description="cross-site")
    if declared.public is Public.VISIT:
        turned_away = _require_visit()
    elif declared.public is Public.STAFF:
        turned_away = _require_staff(declared.permission)
    else:
        turned_away = None
    if turned_away is None:
        _refuse_nul(declared)
    return turned_away


def _refuse_nul(declared: Declaration) -> None:
    named = [str(value) for value in (request.view_args or {}).values()]
    if declared.public is not Public.EVERYBODY and any(_NUL in value for value in named):
        abort(404)
    if declared.cross_site:
        return  # these read the body as it came
    given = [value for form in (request.args, request.form) for values in form.listvalues() for value in values]
    if any(_NUL in value for value in given):
        abort(400)


def _require_visit() -> Response | None:
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        return Response(status=204)  # a page nobody asked for yet: the browser asks again
    if identity.current_visit() is None:
        return redirect(url_for("door.lost"), code=303)
    return None


def _require_staff(permission: Permission | None) -> Response | None:
    person = identity.current_person()
    if person is None:
        if request.method == "GET":
            return redirect(url_for("staff.sign_in", next=request.full_path.rstrip("?")), code=303)
        abort(401)
    if permission is None or not may(person, permission):
        abort(403)
    g.person = person
    return None


def is_same_origin() -> bool:
    """Tell whether the browser says that this unsafe request comes from our own pages."""
    return is_from_here(request.environ, house.settings().base_url)


def is_from_here(environ: Mapping[str, Any], base_url: str) -> bool:
    """Tell the same of a request in plain WSGI."""
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return bool(site == "same-origin")
    own = f"{environ.get('wsgi.url_scheme')}://{environ.get('HTTP_HOST')}"
    return environ.get("HTTP_ORIGIN") in (own, base_url)
