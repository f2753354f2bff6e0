"""Who is asking: a visit or a staff session, never both."""

from typing import cast

from flask import g, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.access.queries import current_visit as find_visit
from portal.access.states import CurrentVisit
from portal.staff.roles import Person
from portal.web import house

_MONTHS_13 = 400 * 24 * 3600
_UNSET = object()


def current_visit() -> CurrentVisit | None:
    """Return the visit of this request, None where there is none in force."""
    if g.get("visit", _UNSET) is _UNSET:
        secret = request.cookies.get(visit_cookie())
        g.visit = _find(secret) if secret else None
    return cast(CurrentVisit | None, g.visit)


def _find(secret: str) -> CurrentVisit | None:
    return find_visit(house.reading(), secret, at=house.now(), key_marks=house.tokens().key_marks())


def current_person() -> Person | None:
    """Return the signed-in member of staff, None where nobody is."""
    return current_user.person if current_user.is_authenticated else None


def person() -> Person:
    """Return the signed-in member of staff on a road that only staff may take."""
    found = current_person()
    assert found is not None, "the guard lets nobody else through"
    return found


def device_secret() -> str | None:
    """Return the secret of this browser's device cookie."""
    return request.cookies.get(device_cookie())


def visit_cookie() -> str:
    """Return the name of the visit cookie; `__Host-` needs HTTPS."""
    return "__Host-visit" if house.settings().secure else "visit"


def device_cookie() -> str:
    """Return the name of the device cookie."""
    return "__Host-device" if house.settings().secure else "device"


def remember_visit(response: Response, secret: str, fresh_device: str | None) -> None:
    """Set the cookies of a visit just opened; the visit's ends with the browser session."""
    _set(response, visit_cookie(), secret, None)
    if fresh_device is not None:
        remember_device(response, fresh_device)


def remember_device(response: Response, secret: str) -> None:
    """Set the device cookie, for thirteen months."""
    _set(response, device_cookie(), secret, _MONTHS_13)


def forget_visit(response: Response) -> None:
    """Take the visit cookie back."""
    response.delete_cookie(visit_cookie(), path="/", secure=house.settings().secure, httponly=True, samesite="Lax")


def _set(response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=house.settings().secure, httponly=True, samesite="Lax"
    )
