"""The personalized HCP microsite and self-detailing portal."""

from importlib import import_module

from flask import Flask

from portal.config import Settings, load

# Every blueprint is `bp` in its module; every command group or command is `group` in its module.
BLUEPRINTS = (
    "door",
    "stepup",
    "microsite",
    "mine",
    "preview",
    "beacon",
    "staff",
    "hcps",
    "rep",
    "discussed",
    "links",
    "presets",
    "rules",
    "rule_drafts",
    "rule_trials",
    "insights",
    "studio",
    "formulas",
    "calculators",
    "modules",
    "mail",
    "send",
    "outbox",
    "mail_pieces",
    "mail_writing",
    "compliance",
    "status",
)
COMMANDS: tuple[str, ...] = ("db", "demo", "staff", "hcp", "content", "calculators", "links", "tracking", "rules")
COMMANDS += ("explain", "replay", "config", "mail", "worker", "audit", "keys", "privacy", "reports", "backup")
ROOMS: tuple[str, ...] = ("db.rates", "audit.models", "staff.models", "hcp.models", "content.models", "rulebook.models")
ROOMS += ("rulebook.segment_models", "access.models", "tracking.models", "mailing.models", "microsite.models")


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, furnished from `settings` or the environment; raises SettingsRefused."""
    from portal.web import assets, csrf, errors, guards, headers, house, htmx, logs, signin, templating

    settings = settings or load()
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key[-1],
        SECRET_KEY_FALLBACKS=list(settings.secret_key[:-1]),
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
    )
    if settings.trusted_proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        hops = settings.trusted_proxies
        vars(app)["wsgi_app"] = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    logs.install(app, production=settings.production)
    headers.install(app)
    house.furnish(app, settings)
    signin.install(app)
    htmx.install(app)
    templating.install(app)
    csrf.install(app)
    errors.install(app)
    load_tables()
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"portal.blueprints.{name}").bp)
    for name in COMMANDS:
        app.cli.add_command(import_module(f"portal.cli.{name}").group)
    guards.seal(app)
    assets.install(app)
    return app


def load_tables() -> None:
    """Import every room's tables, so that the metadata is whole."""
    for name in ROOMS:
        import_module(f"portal.{name}")
