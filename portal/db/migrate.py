"""Migrations, run by Alembic from `migrations/`."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from portal.db.session import Database

_FOLDER = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 7_205_611  # any number that is the same everywhere


@dataclass(frozen=True, slots=True)
class State:
    """Where the tables stand."""

    current: str | None
    newest: str | None

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether nothing is missing."""
        return self.current == self.newest


def upgrade(database: Database, target: str = "head") -> None:
    """Run the missing migrations in one transaction; two at once wait for each other."""
    with database.engine.begin() as connection:
        hold(connection)
        command.upgrade(_config(connection), target)


def downgrade(database: Database, target: str) -> None:
    """Undo migrations down to `target`."""
    with database.engine.begin() as connection:
        hold(connection)
        command.downgrade(_config(connection), target)


def state(database: Database) -> State:
    """Return the revision of the tables and the newest there is."""
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        return State(current, ScriptDirectory.from_config(_config(connection)).get_current_head())


def hold(connection: Connection) -> None:
    """Let nobody else set up this database until the transaction ends; on SQLite every writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
