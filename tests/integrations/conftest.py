"""Databases for the tests: an SQLite file each, and one real PostgreSQL server for the session."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from integrations.store.database import Database
from integrations.store.journal import SqlJournal

_BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server of our own on a Unix socket; yields its URL without a database."""
    if not _BIN or importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs a PostgreSQL server and psycopg (extra 'postgres')")
    user = _server_user()
    if user is None:
        pytest.skip("a PostgreSQL server does not run as root, and there is no user 'postgres'")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    control = ("pg_ctl", "-D", data, "-w", "-l", folder / "log")
    _run_as(user, folder, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N")
    _run_as(user, folder, *control, "-o", options, "start")
    yield f"postgresql://postgres@/{{database}}?host={folder}"
    _run_as(user, folder, *control, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _run_as(user: str, folder: Path, program: str, *arguments: str | Path) -> None:
    subprocess.run(
        [_BIN[-1] / program, *arguments],
        check=True,
        user=user if os.geteuid() == 0 else None,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )


def _server_user() -> str | None:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name == "postgres"), None)


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own."""
    name = f"t{abs(hash(request.node.nodeid))}"
    host = postgres_server.partition("host=")[2]
    subprocess.run([_BIN[-1] / "createdb", "-h", host, "-U", "postgres", name], check=True)
    return postgres_server.format(database=name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    database = await Database.open(store_url)
    yield database
    await database.close()


@pytest.fixture
def journal(database: Database) -> SqlJournal:
    return SqlJournal(database)
