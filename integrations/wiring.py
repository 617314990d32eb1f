"""The composition root: settings in, a running copilot out. Nothing else builds parts."""

import hashlib
import hmac
import inspect
import os
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel
from threadpoolctl import threadpool_limits

from copilot import conversation, state
from copilot.company import CompanyFacts
from copilot.conversation import Versions
from copilot.errors import StoreUnavailableError, UnknownUserError
from copilot.graph import build_graph
from copilot.nodes import Nodes, Parts
from copilot.people import Person
from copilot.service import Copilot, Limits
from integrations.access.doors import Doors
from integrations.authoring import ChatChoice, Writing, writing
from integrations.checkpoints import CheckpointFile
from integrations.clock import Clock, company_clock
from integrations.company import Company, load_company
from integrations.connecting import Connections, connections_of, doors_of
from integrations.directory.known import known
from integrations.directory.port import People
from integrations.facts import company_facts
from integrations.following import Edition, FollowingLibrary, FollowingReader
from integrations.home import Home
from integrations.memory.learning import TicketMemory
from integrations.memory.resolutions import Resolutions
from integrations.preparing import prepare
from integrations.progress import Progress
from integrations.rulebook import FollowingPolicy
from integrations.settings import Settings
from integrations.store.database import Database
from integrations.store.failures import unavailable
from integrations.store.journal import SqlJournal
from integrations.telemetry import Counters
from integrations.tickets.desk import EmbeddedDesk
from integrations.tickets.ratings import Ratings
from knowledge.embedding import Embedder, find_model, find_tuned
from knowledge.ranking import Weights
from knowledge.remembering import Limits as MemoryLimits
from policies import redaction
from policies.loader import load_policies
from policies.personal import Known
from policies.redaction import Redactor


@dataclass(slots=True)
class App:
    """A running copilot with what its doors need. Built by `open_app`, ended by `close`."""

    copilot: Copilot
    journal: SqlJournal
    desk: EmbeddedDesk
    ratings: Ratings
    connections: Connections
    company: CompanyFacts
    profile: Company
    settings: Settings
    clock: Clock
    counters: Counters
    doors: Doors
    library: FollowingLibrary
    policy: FollowingPolicy
    parts: Parts
    checkpoints: CheckpointFile
    memory: TicketMemory
    _stack: AsyncExitStack

    @property
    def default_user(self) -> str:
        """Who asks where nobody is named: the file's first person. Raises `UnknownUserError` elsewhere."""
        if not self.connections.are_chosen_from:
            raise UnknownUserError("Nobody is named. Say who asks with --user.")
        return self.directory.people()[0].id

    @property
    def directory(self) -> People:
        return self.connections.people

    async def ready(self) -> list[str]:
        """What keeps the copilot from serving; empty when it is ready."""
        problems: list[str] = []
        self.library.refresh()
        if self.library.library.problem:
            problems.append(self.library.library.problem)
        self.policy.refresh()
        problems += map(str, self.policy.problems)
        problems += [p for p in [await _store_problem(self.journal, self.checkpoints)] if p]
        return problems

    async def forget(self, person: str) -> int:
        """Delete the conversations of a person, here, in the graph's memory and in that of resolved tickets.

        Says how many messages there were.
        """
        count, threads = await self.journal.forget(person)
        for thread in threads:
            await self.checkpoints.forget(thread)
        await self.memory.forget(person, at=self.clock())
        self.library.refresh()
        return count

    async def close(self) -> None:
        await self._stack.aclose()


async def open_app(
    settings: Settings,
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
    recover: bool = True,
    follow: bool = False,
    connections: Connections | None = None,
) -> App:
    """Open the home, prepare what is missing, and finish what a crash left. The caller owns the home.

    `follow`: the index is also made anew when what it was made from has changed, and resolved tickets
    are taken in for as long as the app is open. `connections`: the company's people from elsewhere than
    the settings say.
    """
    told = progress or Progress.silent()
    _forbid_tracing()
    home = Home.at(settings.home)
    profile = load_company(settings.company_dir)
    policy = policy_of(profile)
    counters = Counters()
    connections = connections or connections_of(profile, counters, mode=settings.mode)
    pens = writing_of(settings, connections.people, policy, counters)
    prepare(settings, profile, policy.policies.catalogue, told, follow=follow)
    # For matrices as small as a turn's, threads that wait for each other cost ten times what they save.
    threadpool_limits(1, user_api="blas")
    stack = AsyncExitStack()
    try:
        app = await _opened(
            settings, home, profile, policy, connections, pens, counters, clock, stack
        )
        if recover:
            await app.copilot.recover()
        await app.memory.sync()
        app.library.refresh()
        if follow:
            await stack.enter_async_context(app.memory.followed(settings.memory_seconds))
    except BaseException:
        await stack.aclose()
        raise
    return app


def policy_of(profile: Company) -> FollowingPolicy:
    """The company's policies. Raises `PolicyLoadError` naming every fault."""
    load = partial(
        load_policies,
        profile.rules,
        profile.actions,
        queues=frozenset(profile.queues),
        default_queue=profile.default_queue,
    )
    return FollowingPolicy(load, (profile.rules, profile.actions))


def _forbid_tracing() -> None:
    """A tracing variable of the environment would make LangChain send conversations to a cloud."""
    for name in (
        "LANGSMITH_TRACING",
        "LANGSMITH_TRACING_V2",
        "LANGCHAIN_TRACING_V2",
        "LANGCHAIN_TRACING",
    ):
        os.environ[name] = "false"  # noqa: TID251  # the library reads nothing else


async def _opened(
    settings: Settings,
    home: Home,
    profile: Company,
    policy: FollowingPolicy,
    connections: Connections,
    pens: Writing,
    counters: Counters,
    clock: Clock | None,
    stack: AsyncExitStack,
) -> App:
    library, search, reader = _read_from(settings, home, stack)
    database = await Database.open(settings.database_url or home.records_url)
    stack.push_async_callback(database.close)
    journal = SqlJournal(database)
    desk = desk_of(database, profile)
    facts = company_facts(profile, policy.policies, library.library, lockdown=settings.lockdown)
    versions = _versions(library, policy, pens)
    parts = Parts(reader, policy, library, desk, journal, facts, versions, *pens.parts)
    checkpoints = await checkpoints_of(home, stack)
    copilot = Copilot(
        graph=build_graph(Nodes(parts), checkpoints),
        journal=journal,
        desk=desk,
        directory=connections.people,
        redactor=_informed(settings, home, profile, connections, stack),
        company=facts,
        versions=versions,
        digest=_digest(home.digest_key()),
        telemetry=counters,
        limits=Limits(turn_seconds=settings.turn_seconds),
    )
    return App(
        copilot,
        journal,
        desk,
        Ratings(database),
        connections,
        facts,
        profile,
        settings,
        clock or company_clock(profile.demo_clock),
        counters,
        doors_of(database, connections.people, counters.access),
        library,
        policy,
        parts,
        checkpoints,
        _memory(settings, home, database, library, search),
        stack,
    )


def _informed(
    settings: Settings,
    home: Home,
    profile: Company,
    connections: Connections,
    stack: AsyncExitStack,
) -> Redactor:
    """The redactor, which learns who works here as the directory's snapshots come in."""
    redactor = redactor_of(settings, home, profile, connections.people)
    looking = connections.start(lambda people: redactor.know(known_of(people, profile)))
    stack.push_async_callback(connections.close, looking)
    return redactor


def _read_from(
    settings: Settings, home: Home, stack: AsyncExitStack
) -> tuple[FollowingLibrary, Embedder, FollowingReader]:
    library = FollowingLibrary(home.index, Weights(memory=settings.memory_weight))
    stack.callback(library.close)
    search = Embedder(find_model(settings.models_dir, settings.embedding_model))
    reader = reader_of(settings, library, search)
    reader.warm()
    return library, search, reader


def _memory(
    settings: Settings,
    home: Home,
    database: Database,
    library: FollowingLibrary,
    search: Embedder,
) -> TicketMemory:
    limits = MemoryLimits(
        settings.memory_neighbours, settings.memory_size, settings.keep_index_versions
    )
    digest = _digest(home.digest_key())
    resolutions = Resolutions(database, digest=digest, articles=lambda: library.article_ids)
    return TicketMemory(resolutions, home.index, search, limits)


def writing_of(
    settings: Settings, directory: People, policy: FollowingPolicy, counters: Counters
) -> Writing:
    """Raises `ChatModelError` when the settings name a chat model that can't be had."""
    _forbid_tracing()
    choice = ChatChoice(
        settings.chat_model,
        settings.chat_seconds,
        settings.chat_retries,
        settings.chat_max_tokens,
    )
    catalogue = policy.policies.catalogue
    return writing(
        choice,
        policy,
        {action.id: action.title for action in catalogue.actions.values()},
        directory.people,
        leak_words=settings.leak_words,
        counters=counters,
    )


def reader_of(
    settings: Settings, edition: Edition, search: Embedder | None = None
) -> FollowingReader:
    return FollowingReader(
        edition,
        search or Embedder(find_model(settings.models_dir, settings.embedding_model)),
        Embedder(find_tuned(settings.models_dir, settings.embedding_model)),
    )


def desk_of(database: Database, profile: Company) -> EmbeddedDesk:
    return EmbeddedDesk(
        database,
        queues=frozenset(profile.queues),
        promises=profile.promises,
        hours=profile.desk_hours.as_kept(),
    )


def _versions(
    library: FollowingLibrary, policy: FollowingPolicy, pens: Writing
) -> Callable[[], Versions]:
    code = package_version("it-support-copilot")
    return lambda: Versions(
        code=code,
        knowledge=library.version,
        policy=policy.version,
        prompts=pens.prompts,
        model=pens.model,
        memory=library.memory,
    )


def _digest(key: bytes) -> Callable[[str], str]:
    return lambda text: hmac.new(
        key, text.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()


async def checkpoints_of(home: Home, stack: AsyncExitStack) -> CheckpointFile:
    """LangGraph's checkpoints, readable back into our own value types and no others."""
    serde = JsonPlusSerializer(allowed_msgpack_modules=_checkpointed_types())
    file = await CheckpointFile.open(
        home.checkpoints,
        serde,
        lambda error: unavailable(error, f"'{home.checkpoints}'", "The memory of conversations"),
    )
    stack.push_async_callback(file.close)
    return file


def _checkpointed_types() -> list[tuple[str, str]]:
    return [
        (module.__name__, name)
        for module in (conversation, state, redaction)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BaseModel) and kind.__module__ == module.__name__
    ]


def redactor_of(settings: Settings, home: Home, profile: Company, directory: People) -> Redactor:
    """Loads beside the start; the first message waits for what is not there yet."""
    redactor = Redactor(scanner_cache(settings, home), known_of(directory.people(), profile))
    redactor.warm_soon()
    return redactor


def known_of(people: Iterable[Person], profile: Company) -> Known:
    company = profile.company
    return known(people, company.domain, company.security_hotline.values())


def scanner_cache(settings: Settings, home: Home) -> Path:
    """The scanner rules that set-up compiled, or else a folder of the home."""
    shared = settings.scanner_dir
    return shared if shared.is_dir() else home.path / "scanner"


async def _store_problem(journal: SqlJournal, checkpoints: CheckpointFile) -> str | None:
    try:
        await journal.unfinished()
        await checkpoints.check()
    except StoreUnavailableError as error:
        return str(error)
    return None
