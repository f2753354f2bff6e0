"""Migrations go up, down, up on both databases, and end where the models are."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from portal import load_tables
from portal.db import Base, Database, migrate
from tests.conftest import empty_postgres

VERSIONS = sorted((Path(__file__).resolve().parents[2] / "migrations" / "versions").glob("*.py"))


def walk(database: Database) -> None:
    migrate.upgrade(database)
    assert migrate.state(database).is_up_to_date
    load_tables()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    for revision in reversed([path.name[:4] for path in VERSIONS[:-1]]):
        migrate.downgrade(database, revision)
    migrate.downgrade(database, "base")
    with database.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)
    assert migrate.state(database).is_up_to_date


def test_up_down_up_on_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'walk.sqlite'}")
    walk(database)
    database.close()


@pytest.mark.postgres
def test_up_down_up_on_postgresql(postgres_server: str) -> None:
    for database in empty_postgres(postgres_server):
        walk(database)


def test_migrations_stand_alone_and_in_order() -> None:
    numbers = [path.name[:4] for path in VERSIONS]
    assert numbers == [f"{place:04d}" for place in range(1, len(numbers) + 1)]
    for path in VERSIONS:
        text = path.read_text()
        assert "portal" not in "".join(line for line in text.splitlines() if line.startswith(("import", "from"))), path
        assert "def downgrade" in text


def test_what_is_approved_and_what_is_recorded_is_kept_by_the_database(demo_database: Database) -> None:
    refused = (
        "UPDATE audit_events SET name = 'x'",
        "DELETE FROM audit_events",
        "UPDATE audit_personal SET salt = 'x'",
        "DELETE FROM consents",
        "UPDATE consents SET decision = 'given'",
        "UPDATE fragments SET html = 'x'",
        "DELETE FROM fragments",
        "UPDATE module_versions SET title = 'x' WHERE state = 'approved'",
        "UPDATE module_versions SET definition = 'x' WHERE state = 'approved'",
        "UPDATE block_versions SET body = 'x' WHERE state = 'approved'",
        "DELETE FROM module_versions",
    )
    for statement in refused:
        with (
            pytest.raises(DBAPIError, match=r"append-only|kept|edited|ends or is"),
            demo_database.engine.begin() as held,
        ):
            held.exec_driver_sql(statement)
