"""A copilot with nothing remembered: the parts of an app over records of its own."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from copilot.conversation import Versions
from copilot.graph import build_graph
from copilot.nodes import Nodes
from copilot.ports import Directory, Library
from copilot.service import Copilot
from integrations.home import Home
from integrations.store.database import Database
from integrations.store.journal import SqlJournal
from integrations.tickets.desk import EmbeddedDesk
from integrations.wiring import App, checkpoints_of, desk_of

_RECORDS = "records.sqlite"


@dataclass(frozen=True, slots=True)
class Trial:
    """Lives for one case, so that no case is another one's past."""

    copilot: Copilot
    journal: SqlJournal
    desk: EmbeddedDesk


async def empty_records(folder: Path) -> Path:
    """A record store with its tables and nothing in them, to be copied."""
    file = folder / f"empty-{_RECORDS}"
    await (await Database.open(_url(file))).close()
    return file


@asynccontextmanager
async def trial_of(
    app: App, library: Library, empty: Path, directory: Directory | None = None
) -> AsyncIterator[Trial]:
    """The app's copilot over a library and a copy of the empty records; the app's people, or others."""
    with TemporaryDirectory(dir=empty.parent) as folder:
        async with AsyncExitStack() as stack:
            file = Path(folder) / _RECORDS
            shutil.copyfile(empty, file)
            database = await Database.open(_url(file))
            stack.push_async_callback(database.close)
            journal, desk = SqlJournal(database), desk_of(database, app.profile)

            def versions() -> Versions:
                return app.parts.versions().model_copy(update={"knowledge": library.version})

            parts = replace(
                app.parts, library=library, desk=desk, journal=journal, versions=versions
            )
            graph = build_graph(Nodes(parts), await checkpoints_of(Home(Path(folder)), stack))
            own = app.copilot.over(graph=graph, journal=journal, desk=desk, directory=directory)
            yield Trial(own, journal, desk)


def _url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"
