"""Statements of hot roads, compiled once: run without the work that a statement built anew costs each time.

A statement is written with SQLAlchemy as any other; here its text and the shapes of its values are kept for one kind of
database, and given to the driver as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Float, SelectBase, String, bindparam
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.types import TypeEngine

_Shape = Callable[[Any], Any] | None


class PreparedWrite:
    """An insert or update for many rows, each a mapping of the named values."""

    def __init__(self, statement: Insert | Update, dialect: Dialect, names: Sequence[str]) -> None:
        """Compile `statement` for `dialect` with values for `names`."""
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        self._text = compiled.string
        order, shapes = _parameters(compiled, dialect)
        self._is_named = order is None
        self._names = list(shapes) if order is None else order
        self._pick = itemgetter(*self._names)
        self._shaped = [(place, shape) for place, name in enumerate(self._names) if (shape := shapes[name]) is not None]

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write every row."""
        listed: list[Any] = []
        for row in rows:
            values = list(self._pick(row))
            for place, shape in self._shaped:
                values[place] = shape(values[place])
            listed.append(dict(zip(self._names, values, strict=True)) if self._is_named else values)
        _run_many(connection, self._text, listed)


def places(count: int) -> list[BindParameter[str]]:
    """Return the parameters of a question for `count` ids, for `column.in_(...)`."""
    return [bindparam(f"id_{place}", type_=String()) for place in range(count)]


class PreparedRead:
    """A question for rows by a list of ids; its columns come back in Python's shapes."""

    def __init__(self, question: SelectBase, dialect: Dialect) -> None:
        """Compile `question`, whose parameters are those of `places`."""
        compiled = question.compile(dialect=dialect)
        self._text = compiled.string
        self._order, _ = _parameters(compiled, dialect)
        columns = list(question.selected_columns)
        self._columns = [column.name for column in columns]
        shapes = ((column.name, _result_shape(column.type, dialect)) for column in columns)
        self._shaped = [(name, shape) for name, shape in shapes if shape is not None]

    def rows(self, connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows for `ids`."""
        given = {f"id_{place}": row_id for place, row_id in enumerate(ids)}
        values: Any = tuple(given[name] for name in self._order) if self._order is not None else given
        found = [dict(zip(self._columns, row, strict=True)) for row in _fetched(connection, self._text, values)]
        for row in found:
            for name, shape in self._shaped:
                row[name] = shape(row[name])
        return found


def _run_many(connection: Connection, text: str, rows: Sequence[Any]) -> None:
    cursor = connection.connection.cursor()
    try:
        if len(rows) == 1:
            cursor.execute(text, rows[0])
        else:
            cursor.executemany(text, rows)
    finally:
        cursor.close()


def _fetched(connection: Connection, text: str, values: Any) -> Sequence[Any]:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text, values)
        return cursor.fetchall()
    finally:
        cursor.close()


def _result_shape(kind: TypeEngine[Any], dialect: Dialect) -> _Shape:
    if isinstance(kind, Float):
        return None  # drivers give floats; the processor would ask for a type code that is not known yet
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _parameters(compiled: Any, dialect: Dialect) -> tuple[list[str] | None, dict[str, _Shape]]:
    shapes: dict[str, _Shape] = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
    }
    order = compiled.positiontup if dialect.positional else None
    return (list(order) if order is not None else None), shapes
