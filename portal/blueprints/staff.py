"""Sign-in, the home page of staff, one's own sessions, and the accounts an administrator looks after."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.audit import Actor
from portal.db import is_id
from portal.staff import actions, passwords, queries
from portal.staff.accounts import NewAccount, first_password, role_faults
from portal.staff.demo_logins import DEMO_LOGINS, DEMO_PHRASE
from portal.staff.roles import ROLE_WORDS, Permission, Role
from portal.web import guards, house, identity, navigation, signin

bp = Blueprint("staff", __name__, url_prefix="/staff")

_SENTENCES = {
    signin.Refusal.WRONG: ("email", "The email address or the password is not right."),
    signin.Refusal.TOO_MANY: ("email", "Too many tries. Wait 15 minutes, then try again."),
}
_STATUS = {signin.Refusal.WRONG: 422, signin.Refusal.TOO_MANY: 429}


@bp.get("/sign-in")
@guards.public("Nobody is signed in yet on the page that signs in.")
def sign_in() -> ResponseReturnValue:
    """Show the sign-in page."""
    if identity.current_person() is not None:
        return redirect(url_for("staff.home"), code=303)
    return _sign_in_page("", [])


@bp.post("/sign-in")
@guards.public("Nobody is signed in yet when the password is sent.")
def enter() -> ResponseReturnValue:
    """Open a staff session, or say that the address or the password is wrong."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    missing = [(name, f"Enter your {label}.") for name, label in _missing(email, password)]
    if missing:
        return _sign_in_page(email, missing), 422
    try:
        user_id = signin.attempt(email, password)
    except signin.SignInFailed as failed:
        return _sign_in_page(email, [_SENTENCES[failed.refusal]]), _STATUS[failed.refusal]
    response = make_response(redirect(_next() or url_for("staff.home"), code=303))
    signin.enter(response, user_id)
    return response


@bp.post("/sign-out")
@guards.staff(Permission.HOME)
def sign_out() -> ResponseReturnValue:
    """End this session."""
    signin.leave("sign-out")
    return redirect(url_for("staff.sign_in"), code=303)


@bp.get("/")
@guards.staff(Permission.HOME)
def home() -> ResponseReturnValue:
    """Lead to the page of one's role."""
    person = identity.person()
    start = navigation.home_of(person)
    if start is not None:
        return redirect(start, code=303)
    return render_template("staff/home.html", name=person.name)


@bp.get("/sessions")
@guards.staff(Permission.HOME)
def sessions() -> ResponseReturnValue:
    """Show one's own sessions and the form that changes the password."""
    return _account_page([])


@bp.post("/sessions/<session_id>/end")
@guards.staff(Permission.HOME)
def end_session(session_id: str) -> ResponseReturnValue:
    """End one of one's own sessions; another's answers as a missing one."""
    person = identity.person()
    ended = is_id(session_id) and actions.end_own_session(
        house.db(), person.id, session_id=session_id, by=Actor.staff(person.id), at=house.now()
    )
    if not ended:
        abort(404)
    if session_id == current_user.session_id:
        session.clear()
        return redirect(url_for("staff.sign_in"), code=303)
    flash("The session has ended.", "good")
    return redirect(url_for("staff.sessions"), code=303)


@bp.post("/password")
@guards.staff(Permission.HOME)
def change_password() -> ResponseReturnValue:
    """Change one's own password; the other sessions end."""
    person, by = identity.person(), Actor.staff(identity.person().id)
    new = request.form.get("new", "")
    try:
        if not signin.is_own_password(person, request.form.get("current", "")):
            return _account_page([("current", "This is not your present password.")]), 422
        actions.change_password(
            house.db(), person.id, password=new, keep_session=current_user.session_id, by=by, at=house.now()
        )
    except signin.SignInFailed:
        return _account_page([("current", "Too many tries. Wait 15 minutes, then try again.")]), 429
    except passwords.PasswordRefused as refused:
        return _account_page([("new", str(refused))]), 422
    flash("Your password is changed. Your other sessions have ended.", "good")
    return redirect(url_for("staff.sessions"), code=303)


@bp.get("/users")
@guards.staff(Permission.USERS_MANAGE)
def users() -> ResponseReturnValue:
    """List every member of staff."""
    return render_template("staff/users.html", users=queries.users(house.db()), role_words=ROLE_WORDS)


@bp.get("/users/new")
@guards.staff(Permission.USERS_MANAGE)
def new_user() -> ResponseReturnValue:
    """Ask for a new account."""
    return _new_user_page(NewAccount("", "", ()), [])


@bp.post("/users/new")
@guards.staff(Permission.USERS_MANAGE)
def create_user() -> ResponseReturnValue:
    """Make an account and show its first password, once."""
    wanted = NewAccount(
        request.form.get("name", "").strip(),
        request.form.get("email", "").strip(),
        tuple(request.form.getlist("roles")),
    )
    faults = wanted.faults()
    if faults:
        return _new_user_page(wanted, faults), 422
    password, by = first_password(), Actor.staff(identity.person().id)
    roles = [Role(role) for role in wanted.roles]
    try:
        user_id = actions.create_user(
            house.db(), wanted.email, name=wanted.name, password=password, roles=roles, by=by, at=house.now()
        )
    except actions.UserRefused as refused:
        return _new_user_page(wanted, [("email", str(refused))]), 422
    return _password_page(user_id, password)


@bp.get("/users/<user_id>")
@guards.staff(Permission.USERS_MANAGE)
def user(user_id: str) -> ResponseReturnValue:
    """Show one account and what can be done with it."""
    return _user_page(user_id, [])


@bp.post("/users/<user_id>/disable")
@guards.staff(Permission.USERS_MANAGE)
def disable(user_id: str) -> ResponseReturnValue:
    """Close an account; its sessions end at once."""
    return _change_user(user_id, actions.disable, "The account is disabled and signed out everywhere.")


@bp.post("/users/<user_id>/enable")
@guards.staff(Permission.USERS_MANAGE)
def enable(user_id: str) -> ResponseReturnValue:
    """Open a closed account again."""
    return _change_user(user_id, actions.enable, "The account is enabled again.")


@bp.post("/users/<user_id>/roles")
@guards.staff(Permission.USERS_MANAGE)
def change_roles(user_id: str) -> ResponseReturnValue:
    """Give an account other roles; they hold from its next request on."""
    _row_or_404(user_id)
    wanted = request.form.getlist("roles")
    faults = role_faults(wanted)
    if faults:
        return _user_page(user_id, faults), 422
    reason, by = request.form.get("reason", ""), Actor.staff(identity.person().id)
    roles = [Role(role) for role in wanted]
    try:
        actions.change_roles(house.db(), user_id, roles=roles, reason=reason, by=by, at=house.now())
    except actions.UserRefused as refused:
        return _user_page(user_id, [("roles-reason", str(refused))]), 422
    flash("The roles hold from the next request on.", "good")
    return redirect(url_for("staff.user", user_id=user_id), code=303)


@bp.post("/users/<user_id>/password")
@guards.staff(Permission.USERS_MANAGE)
def reset_password(user_id: str) -> ResponseReturnValue:
    """Give an account a new first password and show it, once; its sessions end."""
    _row_or_404(user_id)
    password, by = first_password(), Actor.staff(identity.person().id)
    actions.change_password(house.db(), user_id, password=password, keep_session=None, by=by, at=house.now())
    return _password_page(user_id, password)


def _change_user(user_id: str, change: actions.AccountChange, done: str) -> ResponseReturnValue:
    _row_or_404(user_id)
    reason, by = request.form.get("reason", ""), Actor.staff(identity.person().id)
    try:
        change(house.db(), user_id, reason=reason, by=by, at=house.now())
    except actions.UserRefused as refused:
        return _user_page(user_id, [("reason", str(refused))]), 422
    flash(done, "good")
    return redirect(url_for("staff.user", user_id=user_id), code=303)


def _sign_in_page(email: str, errors: list[tuple[str, str]]) -> str:
    demo = DEMO_LOGINS if house.settings().demo else ()
    return render_template(
        "staff/sign_in.html",
        email=email,
        errors=errors,
        next=_next(),
        demo_logins=demo,
        demo_phrase=DEMO_PHRASE,
        role_words=ROLE_WORDS,
    )


def _account_page(errors: list[tuple[str, str]]) -> str:
    person = identity.person()
    rows = queries.sessions_of(house.db(), person.id, idle=signin.idle(), at=house.now())
    return render_template(
        "staff/sessions.html", sessions=rows, current=current_user.session_id, email=person.email, errors=errors
    )


def _user_page(user_id: str, errors: list[tuple[str, str]]) -> str:
    row = _row_or_404(user_id)
    rows = queries.sessions_of(house.db(), user_id, idle=signin.idle(), at=house.now())
    return render_template("staff/user.html", user=row, sessions=rows, errors=errors, role_words=ROLE_WORDS)


def _new_user_page(wanted: NewAccount, errors: list[tuple[str, str]]) -> str:
    return render_template("staff/user_new.html", wanted=wanted, errors=errors, role_words=ROLE_WORDS)


def _password_page(user_id: str, password: str) -> str:
    return render_template("staff/user_password.html", user=_row_or_404(user_id), password=password)


def _row_or_404(user_id: str) -> queries.UserRow:
    row = queries.user_row(house.db(), user_id) if is_id(user_id) else None
    if row is None:
        abort(404)
    return row


def _missing(email: str, password: str) -> list[tuple[str, str]]:
    fields = [("email", "email address", email), ("password", "password", password)]
    return [(name, label) for name, label, value in fields if not value]


def _next() -> str:
    """Return the page to go to after sign-in: a path of this site, or nothing."""
    wanted = request.values.get("next", "")
    if not wanted.startswith("/") or "\\" in wanted or not wanted.isprintable() or len(wanted) > 1000:
        return ""
    parts = urlsplit(wanted)
    return "" if parts.scheme or parts.netloc or wanted.startswith("//") else wanted
