"""`config check`: say whether the settings in force are complete and fit."""

import json

import click
from flask import current_app
from flask.cli import AppGroup

group = AppGroup("config", help="Settings.")


@group.command("check")
@click.option("--json", "as_json", is_flag=True)
def check(as_json: bool) -> None:
    """Print the settings in force, without secrets; wrong ones stop every command with exit code 2."""
    settings = current_app.extensions["portal.settings"]
    shown = settings.model_dump(
        mode="json", exclude={"secret_key", "unsubscribe_key", "mail_hook_secret", "smtp_url", "database_url"}
    )
    shown["keys"] = len(settings.secret_key)
    shown["database"] = current_app.extensions["portal.database"].url.get_backend_name()
    shown["smtp"] = bool(settings.smtp_url)
    click.echo(json.dumps(shown, indent=None if as_json else 2, sort_keys=True))
