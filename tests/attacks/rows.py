"""What a database holds, to be compared before and after."""

from typing import Any

from flask import Flask
from sqlalchemy import func, literal, select, union_all

from portal.db import Base, Database


def row_counts(app: Flask, *, beside: frozenset[str] = frozenset()) -> dict[str, int]:
    """How many rows every table holds, `beside` left out."""
    database: Database = app.extensions["portal.database"]
    tables = [table for name, table in sorted(Base.metadata.tables.items()) if name not in beside]
    counts = union_all(*(select(literal(table.name), func.count()).select_from(table) for table in tables))
    with database.reading() as db:
        return {row[0]: row[1] for row in db.execute(counts)}


def dump(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table, sorted."""
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        return {
            name: sorted(repr(tuple(row)) for row in db.execute(select(table)))
            for name, table in sorted(Base.metadata.tables.items())
        }
