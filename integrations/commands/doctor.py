"""`copilot doctor`: what stands in the way, and what to do about it."""

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import click

from integrations.commands.failures import plain
from integrations.home import Home
from integrations.settings import Settings

Level = Literal["ok", "warn", "fail"]

FOUND_FAULTS = 1
"""Exit code when a check failed."""
_PYTHON, _PYTHON_BELOW = (3, 11), (3, 14)
_NEEDED_MB, _COMFORTABLE_MB = 200, 1000
_SHOWN_ARTICLES = 5
_PATIENCE_SECONDS = 10.0


class Line(NamedTuple):
    """What one check found."""

    level: Level
    text: str


Check = Callable[[Settings], Iterator[Line]]


def doctor(home: Path | None, port: int | None) -> int:
    """Print a line for each check; 1 when one failed. Changes nothing.

    `port` is the one that is to be free; the server of this home is looked at where it says that it is.
    """
    given = {"home": home, "port": port}
    settings = Settings.model_validate({k: v for k, v in given.items() if v is not None})
    failed = False
    for name, check in _CHECKS:
        for line in _checked(check, settings):
            failed |= line.level == "fail"
            say_line(line.level, name, line.text)
    return FOUND_FAULTS if failed else 0


def say_line(level: Level, name: str, text: str) -> None:
    """One finding, as every doctor prints it."""
    click.echo(plain(f"{level:<4}  {name:<9} {text}"))


def _checked(check: Check, settings: Settings) -> Iterator[Line]:
    """A check that breaks is a finding too; its own sentence says what to do."""
    try:
        yield from check(settings)
    except Exception as error:  # noqa: BLE001  # the edge: one broken part must not hide the others
        ours = type(error).__module__.partition(".")[0] in {
            "integrations",
            "knowledge",
            "policies",
            "copilot",
        }
        if isinstance(error, OSError) and error.strerror:
            yield Line(
                "fail", f"It can't be used: {error.strerror.lower()}. Check rights and disk."
            )
        else:
            kind = type(error).__name__
            yield Line("fail", str(error) if ours else f"The check failed with {kind}.")


def _python(_settings: Settings) -> Iterator[Line]:
    running = ".".join(map(str, sys.version_info[:3]))
    if _PYTHON <= sys.version_info[:2] < _PYTHON_BELOW:
        yield Line("ok", f"Python {running}")
    else:
        yield Line("fail", f"Python {running} is not supported. Use 3.11, 3.12 or 3.13.")


def _disk(settings: Settings) -> Iterator[Line]:
    place = _existing(settings.home)
    free = shutil.disk_usage(place).free // 2**20
    if free < _NEEDED_MB:
        yield Line("fail", f"{free} MB are free at {place}. Free at least {_NEEDED_MB} MB.")
    elif free < _COMFORTABLE_MB:
        yield Line("warn", f"{free} MB are free at {place}. Free some soon.")
    else:
        yield Line("ok", f"{free} MB are free at {place}")


def _home(settings: Settings) -> Iterator[Line]:
    place = _existing(settings.home)
    if not os.access(place, os.W_OK | os.X_OK):
        advice = "Give this user the right, or name another folder with COPILOT_HOME."
        yield Line("fail", f"{place} can't be written. {advice}")
    elif not settings.home.is_dir():
        yield Line("ok", f"{settings.home} will be made by the first command")
    elif not Home(settings.home).is_owned():
        yield Line("ok", f"{settings.home} is free")
    else:
        pid, url = Home(settings.home).owner()
        where = f", which serves at {url}" if url else ""
        yield Line("ok", f"{settings.home} is owned by process {pid or 'unknown'}{where}")


def _weights(settings: Settings) -> Iterator[Line]:
    from knowledge.embedding import file_digest
    from knowledge.export import KNOWN_WEIGHTS, locate

    folder = locate(settings.embedding_model)
    expected = KNOWN_WEIGHTS.get(settings.embedding_model)
    if expected is None:
        yield Line("ok", f"weights of your own choice in {folder}; no hash of them is known")
    elif file_digest(folder / "model.safetensors") == expected:
        yield Line("ok", f"weights of {settings.embedding_model}, sha256 {expected[:12]}…")
    else:
        yield Line("fail", f"The weights in {folder} are not the published ones. Reinstall it.")


def _model(settings: Settings) -> Iterator[Line]:
    from knowledge.embedding import damaged_files, find_model, find_tuned

    for find in (find_model, find_tuned):
        folder = find(settings.models_dir, settings.embedding_model)
        if damaged := damaged_files(folder):
            yield Line(
                "fail",
                f"The exported model in {folder} is damaged ({', '.join(damaged)}). "
                "Make it again with `copilot setup --force`.",
            )
        else:
            yield Line("ok", f"exported model {folder.name}")


def _index(settings: Settings) -> Iterator[Line]:
    from knowledge.embedding import find_model, read_manifest
    from knowledge.versions import current_dir, read_pointer
    from knowledge.versions import read_manifest as read_version

    index = Home(settings.home).index
    if read_pointer(index) is None:
        yield Line("ok", "no index yet; the first question builds it (about 15 seconds)")
        return
    folder = current_dir(index)
    model = read_manifest(find_model(settings.models_dir, settings.embedding_model)).fingerprint
    version = read_version(folder)
    if version is None or version.model != model:
        yield Line("fail", f"The index is of another model than {model}. Run `copilot index sync`.")
    elif problem := _sqlite_fault(folder / "shelf.sqlite"):
        yield Line("fail", f"The index {folder.name} is damaged: {problem}. {_REBUILD}")
    else:
        size = f"{version.articles} articles, {version.passages} passages"
        yield Line("ok", f"index version {folder.name}, {size}")


_REBUILD = "Build again with `copilot index sync`, or go back with `copilot index use`."


def _sqlite_fault(file: Path) -> str | None:
    """What SQLite finds wrong in a file that nobody writes, `None` when it is whole."""
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)
    return None if found == "ok" else found


def _articles(settings: Settings) -> Iterator[Line]:
    """Staleness of what is served, by the clock of the product and by the wall."""
    from integrations.clock import company_clock, wall_clock
    from integrations.company import load_company
    from knowledge.versions import read_pointer, version_dir

    index = Home(settings.home).index
    version = read_pointer(index)
    if version is None:
        return
    due = _due_dates(version_dir(index, version))
    demo_day = load_company(settings.company_dir).demo_clock
    day, today = company_clock(demo_day)().date(), wall_clock().date()
    yield from _stale(due, day)
    late = [name for name, last in due.items() if last < today]
    if day < today and late:
        yield Line(
            "warn",
            f"{len(late)} article(s) are past their review by today's date; the demonstration clock "
            f"({day}) keeps them current. Remove `demo_clock` from company.yaml to work with real time.",
        )


def _due_dates(folder: Path) -> dict[str, date]:
    from knowledge.shelf import due_dates

    return dict(sorted(due_dates(folder).items(), key=lambda pair: pair[1]))


def _stale(due: dict[str, date], day: date) -> Iterator[Line]:
    from knowledge.audit import SOON_DAYS

    stale = [name for name, last in due.items() if last < day]
    soon = [n for n, last in due.items() if day <= last <= day + timedelta(days=SOON_DAYS)]
    if stale:
        advice = "They inform no answer. Review them, then run `copilot index sync`."
        yield Line("warn", f"{len(stale)} stale article(s) on {day}: {_some(stale)}. {advice}")
    if soon:
        advice = "Plan their review; `copilot kb check` names the owners."
        yield Line("warn", f"{len(soon)} article(s) soon stale on {day}: {_some(soon)}. {advice}")
    if not stale and not soon:
        yield Line("ok", f"{len(due)} articles are current on {day}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN_ARTICLES]) + (" …" if len(names) > _SHOWN_ARTICLES else "")


def _policy(settings: Settings) -> Iterator[Line]:
    from integrations.company import load_company
    from policies.loader import load_policies

    company = load_company(settings.company_dir)
    policies = load_policies(
        company.rules,
        company.actions,
        queues=frozenset(company.queues),
        default_queue=company.default_queue,
    )
    yield Line("ok", f"policy {policies.version}, {len(policies.catalogue.actions)} actions known")


def _author(settings: Settings) -> Iterator[Line]:
    from integrations.chat_models import chat_model

    if settings.chat_model is None:
        yield Line("ok", "the embedded author writes; no chat model is set")
        return
    chat_model(settings.chat_model)
    yield Line(
        "ok", f"the chat model '{settings.chat_model}' can be made; it was not asked anything"
    )


def _directory(_settings: Settings) -> Iterator[Line]:
    from integrations.connecting import directory_findings

    return map(Line._make, directory_findings())


def _devices(_settings: Settings) -> Iterator[Line]:
    from integrations.connecting import device_findings

    return map(Line._make, device_findings())


def _store(settings: Settings) -> Iterator[Line]:
    place = Home(settings.home)
    memory = place.checkpoints
    problem = _sqlite_fault(memory) if memory.exists() and not place.is_owned() else None
    if problem:
        advice = "Restore it from a backup, or move it away: then conversations start anew."
        yield Line("fail", f"{memory} is damaged: {problem}. {advice}")
    if settings.database_url is None and not place.records.exists():
        yield Line("ok", "no record yet; the first question makes it")
        return
    unanswered = asyncio.run(_unanswered(settings.database_url or place.records_url))
    if unanswered and not place.is_owned():
        yield Line("warn", f"{unanswered} inquiry(s) have no reply; the next start finishes them.")
    else:
        yield Line("ok", f"record store opens, {unanswered} inquiry(s) under way")


async def _unanswered(url: str) -> int:
    from integrations.store.journal import SqlJournal

    journal = await SqlJournal.open(url)
    try:
        return len(await journal.unfinished())
    finally:
        await journal.close()


def _port(settings: Settings) -> Iterator[Line]:
    """The server of this home where one runs, else whether the port can be had."""
    home = Home(settings.home)
    url = home.owner()[1] if settings.home.is_dir() else None
    if url is not None:
        yield asyncio.run(_answering(url, home.read_server_token()))
    if url is None or ("port" in settings.model_fields_set and not _is_at(url, settings.port)):
        yield from _free(settings)


def _is_at(url: str, port: int) -> bool:
    return url.endswith(f":{port}")


async def _answering(url: str, token: str | None) -> Line:
    from copilot.errors import CopilotError
    from integrations.remote import RemoteDoor

    try:
        async with RemoteDoor(url, seconds=_PATIENCE_SECONDS, token=token) as server:
            await server.check()
    except CopilotError as error:
        return Line("fail", f"The server of this home, at {url}: {error}")
    return Line("ok", f"the server of this home is up and ready at {url}")


def _free(settings: Settings) -> Iterator[Line]:
    import socket

    where = f"{settings.host}, port {settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            reason = (error.strerror or "it failed").lower()
            advice = "Stop what uses it, or name another with --port or COPILOT_PORT."
            yield Line("fail", f"Can't listen on {where}: {reason}. {advice}")
        else:
            yield Line("ok", f"{where}, is free")


def _existing(path: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    at = path.expanduser().absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    return at


_CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", _python),
    ("disk", _disk),
    ("home", _home),
    ("weights", _weights),
    ("model", _model),
    ("index", _index),
    ("articles", _articles),
    ("policy", _policy),
    ("author", _author),
    ("directory", _directory),
    ("devices", _devices),
    ("store", _store),
    ("port", _port),
)
