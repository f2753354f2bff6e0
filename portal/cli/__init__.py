"""The flask command groups, one file a group."""

import errno
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from sqlalchemy.exc import DatabaseError


def speak_plainly(group: click.Group) -> None:
    """Make every command of `group` answer an unusable database, file or argument with a sentence and exit code 1."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            speak_plainly(command)
        elif command.callback is not None:
            command.callback = _plain(command.callback)


def _plain(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def called(*args: Any, **given: Any) -> Any:
        try:
            return callback(*args, **given)
        except (DatabaseError, sqlite3.Error) as error:  # SQLite's own where a transaction could not even begin
            said = str(error.orig if isinstance(error, DatabaseError) else error)
            why = said.strip().partition("\n")[0]  # the rest is the statement with its values
            sentence = f"The database cannot be used ({why}). Where it is new or older than the code: db upgrade."
            raise click.ClickException(sentence) from None
        except UnicodeEncodeError:
            raise click.ClickException("An argument is not text in UTF-8.") from None
        except OSError as fault:
            if fault.errno == errno.EPIPE:  # whoever reads the output has gone: click ends quietly
                raise
            raise click.ClickException(f"{fault.filename or 'The system'}: {fault.strerror or fault}.") from None

    return called
