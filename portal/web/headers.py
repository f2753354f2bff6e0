"""Headers of every response: a strict content security policy, no third party, nothing indexed."""

from flask import Flask, Response, g, request

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "font-src": "'none'",
    "media-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
}

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}


def content_security_policy(**changed: str) -> str:
    """Return the policy as a header value; keywords such as `frame_src` replace or add one directive."""
    policy = _POLICY | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}".strip() for name, value in policy.items())


STRICT = content_security_policy()
_HSTS = "max-age=63072000; includeSubDomains"


def install(app: Flask) -> None:
    """Set the headers on every response, errors included."""
    app.after_request(_set)


def plain(*, secure: bool) -> list[tuple[str, str]]:
    """Return the headers of an answer that is made without Flask."""
    found = [*_ALWAYS.items(), ("Content-Security-Policy", STRICT), ("Cache-Control", "no-store")]
    return [*found, ("Strict-Transport-Security", _HSTS)] if secure else found


def allow_own_frames() -> None:
    """Let this page show other pages of the portal in a frame."""
    g.policy = content_security_policy(frame_src="'self'")


def framed_and_inert() -> None:
    """Make this page inert (no script, no form) and showable in a frame of the portal: a replayed page."""
    # `allow-same-origin` lets the page fetch its own style sheets; without `allow-scripts` nothing can make use of it.
    g.policy = content_security_policy(
        script_src="'none'",
        connect_src="'none'",
        form_action="'none'",
        frame_ancestors="'self'",
        sandbox="allow-same-origin",
    )
    g.framed = True


def mail_in_a_frame() -> None:
    """Make this page inert and showable in a frame of the portal, with the inline styles that mail needs."""
    framed_and_inert()
    g.policy = g.policy.replace("style-src 'self'", "style-src 'unsafe-inline'")


def _set(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    for name, value in _ALWAYS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    response.headers["Content-Security-Policy"] = g.get("policy", STRICT)
    if g.get("framed", False):
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
