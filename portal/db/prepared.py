"""Statements of hot roads, compiled once: run without the work that a statement built anew costs each time.

A statement is written with SQLAlchemy as any other; here its text and the shapes of its values are kept for one kind of
database, and given to the driver as they are.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from operator import itemgetter
from typing import Any

import psycopg
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    SelectBase,
    String,
    Text,
    bindparam,
    cast,
)
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.types import TypeEngine

_NAMED = re.compile(r"%\((\w+)\)s")
_MOST_AT_ONCE = 32  # rows; every number of rows is a statement of its own for the driver

_Shape = Callable[[Any], Any] | None


class PreparedWrite:
    """An insert or update for many rows, each a mapping of the named values; one statement inserts many rows."""

    def __init__(self, statement: Insert | Update, dialect: Dialect, names: Sequence[str]) -> None:
        """Compile `statement` for `dialect` with values for `names`."""
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        order, shapes = _parameters(compiled, dialect)
        text = compiled.string
        if order is None:
            order = _NAMED.findall(text)
            text = _NAMED.sub("%s", text)
        self._pick = itemgetter(*order)
        self._shaped = [(place, shape) for place, name in enumerate(order) if (shape := shapes[name]) is not None]
        head, conflict, rest = text.partition(" ON CONFLICT")
        self._head, _, self._row = head.partition(" VALUES ")
        self._tail = conflict + rest
        self._text = text

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write every row."""
        listed = [list(self._pick(row)) for row in rows]
        for values in listed:
            for place, shape in self._shaped:
                values[place] = shape(values[place])
        if len(rows) == 1 or not self._row:
            _run_many(connection, self._text, listed)
            return
        for start in range(0, len(listed), _MOST_AT_ONCE):
            some = listed[start : start + _MOST_AT_ONCE]
            text = f"{self._head} VALUES {', '.join([self._row] * len(some))}{self._tail}"
            _run_many(connection, text, [list(chain.from_iterable(some))])


def in_one_go(connection: Connection) -> AbstractContextManager[object]:
    """Return a block whose prepared writes are sent together; a fault in any is raised at its end at the latest."""
    driver = connection.connection.driver_connection
    return driver.pipeline() if isinstance(driver, psycopg.Connection) else nullcontext()


def places(count: int) -> list[BindParameter[str]]:
    """Return the parameters of a question for `count` ids, for `column.in_(...)`."""
    return [bindparam(_place(number), type_=String()) for number in range(count)]


class PreparedRead:
    """A question; its columns come back in Python's shapes."""

    def __init__(self, question: SelectBase, dialect: Dialect) -> None:
        """Compile `question`, whose parameters are named or those of `places`."""
        compiled = question.compile(dialect=dialect)
        self._text = compiled.string
        self._order, shapes = _parameters(compiled, dialect)
        self._given_shapes = [(name, shape) for name, shape in shapes.items() if shape is not None]
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        columns = list(question.selected_columns)
        self._columns = [column.name for column in columns]
        found = ((place, _result_shape(column.type, dialect)) for place, column in enumerate(columns))
        self._shaped = [(place, shape) for place, shape in found if shape is not None]

    def ask(self, connection: Connection, given: Mapping[str, Any]) -> list[list[Any]]:
        """Return the rows for the parameters `given`, each a list in the order of the columns."""
        values: Any = self._constants | dict(given)
        for name, shape in self._given_shapes:
            values[name] = shape(values[name])
        if self._order is not None:
            values = tuple([values[name] for name in self._order])
        found = [list(row) for row in _fetched(connection, self._text, values)]
        for row in found:
            for place, to_python in self._shaped:
                row[place] = to_python(row[place])
        return found

    def rows(self, connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows for `ids`, by the names of the columns."""
        found = self.ask(connection, ids_given(ids))
        return [dict(zip(self._columns, row, strict=True)) for row in found]


def json_text(name: str, column: Any, dialect: Dialect) -> ColumnElement[Any]:
    """Return the parameter `name` for a JSON column whose value comes as text, written once for many rows."""
    given = bindparam(name, type_=Text())
    return given if dialect.name == "sqlite" else cast(given, column.type)


def ids_given(ids: Sequence[str]) -> dict[str, str]:
    """Return the values of the parameters of `places`."""
    return {_place(number): row_id for number, row_id in enumerate(ids)}


def _place(number: int) -> str:
    return f"id_{number}"


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
