"""The only door from the benchmark to the product: the copilot in this process, its articles, its redaction.

Everything runs on a throw-away copy of a home. Each case has records of its own, so no case is another's past,
and what an attack plants lies where the product's own red team plants it.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evals.case import Attack, Case
from evals.checks.line import Taught
from evals.episode import Cited, Exchange, Response
from evals.errors import SystemConfigError
from evals.sources import Article
from evals.suite import Person
from evals.systems.system import Ask, Played, Spoken, conversed, turns_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from copilot.conversation import Inquiry, Reply
    from copilot.people import Person as Known
    from copilot.ports import Directory
    from evals.nearness import Embed
    from integrations.company import Company
    from integrations.redteam.cases import Case as Planted
    from integrations.redteam.stage import Scene, Stage
    from integrations.redteam.trial import Trial

_OURS = frozenset({"copilot", "integrations", "knowledge", "policies"})
_TOGETHER = 40
"""Attacks whose planted pages share one edition of the knowledge base."""
_PERSON = frozenset({"site", "employment", "department", "location"})
_DEVICE = frozenset({"device", "os", "os_version", "managed", "compliant"})


# ---- what the company has


def register() -> tuple[Article, ...]:
    """The articles that the company serves. Raises `SystemConfigError` with all that is wrong in them."""
    from knowledge.corpus import CorpusError, load_corpus

    try:
        served = load_corpus([_company().articles]).articles
    except CorpusError as error:
        raise SystemConfigError(str(error)) from error
    return tuple(
        Article(
            id=article.id,
            title=article.title,
            text="\n\n".join(f"## {each.path}\n\n{each.text}" for each in article.sections),
            facts=article.facts,
            reviewed_on=article.reviewed_on,
            review_every_days=article.review_every_days,
        )
        for article in served
    )


def directory() -> Mapping[str, Person]:
    """The people of the company's directory in the words of a suite."""
    from integrations.datafile import read
    from integrations.directory.yaml_directory import DirectoryFile

    entries = read(_company().directory).read_as(DirectoryFile).people
    return {entry.id: _in_suite(entry.person(), entry.country) for entry in entries}


def default_queue() -> str:
    """Where a case goes that nobody else owns."""
    return _company().default_queue


def labels() -> tuple[str, ...]:
    """Every category.subcategory of the company."""
    return _company().labels


def taught() -> tuple[Taught, ...]:
    """What the product has seen of tickets: all that it learns from, its decision cases and its red team's attacks."""
    from integrations import datafile
    from integrations.bundling import company_material
    from integrations.indexing import taught as groups
    from integrations.redteam.cases import shipped
    from integrations.settings import Settings

    settings, company = Settings(), _company()
    found: dict[str, str] = {}
    for group, samples in groups(company_material(settings, company)).items():
        for sample in samples:
            found.setdefault(sample.text, f"{group} {sample.label}")
    for file in sorted(company.cases.glob("*.yaml")):
        content = datafile.read(file).content
        rows = content.get("cases", ()) if isinstance(content, dict) else ()
        found |= {str(row["name"]): f"decision case, {file.name}" for row in rows}
    for drill in shipped():
        texts = (drill.case.text, drill.case.carrier)
        found |= {text: f"attack {drill.case.id}" for text in texts if text}
    return tuple(Taught(text, origin) for text, origin in found.items())


def embedder() -> "Embed":
    """Makes vectors with the product's own model for documents; nothing is kept. Raises `SystemConfigError`."""
    from integrations.settings import Settings
    from knowledge.embedding import Embedder, ModelMissingError, find_model, read_manifest
    from knowledge.vectors import VectorStore

    settings = Settings()
    try:
        folder = find_model(settings.models_dir, settings.embedding_model)
        shipped = VectorStore(read_manifest(folder).fingerprint, None)
        return Embedder(folder, cache=shipped, threads=2).embed_documents
    except ModelMissingError as error:
        raise SystemConfigError(str(error)) from error


def keyword_search(texts: Sequence[str]) -> Callable[[str], int | None]:
    """BM25 over texts: the number of the nearest one to a question, `None` where no word is shared."""
    from tempfile import TemporaryDirectory

    from knowledge.lexical import Lexicon, best, write_lexicon

    with TemporaryDirectory(prefix="evals-") as name:
        write_lexicon(Path(name), texts)
        lexicon = Lexicon(Path(name))

    def nearest(question: str) -> int | None:
        rows = best(lexicon.scores(question), 1).rows
        return int(rows[0]) if len(rows) else None

    return nearest


def chat_model(name: str) -> "BaseChatModel":
    """A chat model by its import path, for the judge. Raises `SystemConfigError`."""
    from copilot.errors import ChatModelError
    from integrations.chat_models import chat_model as found

    try:
        return found(name)
    except ChatModelError as error:
        raise SystemConfigError(f"--judge: {error}") from error


def redaction() -> Callable[[str], str]:
    """Takes secrets and personal data out of a text, for exports that leave the company."""
    from integrations.directory.known import known
    from integrations.directory.yaml_directory import YamlDirectory
    from integrations.home import Home
    from integrations.settings import Settings
    from integrations.wiring import scanner_cache
    from policies.redaction import Redactor

    settings, company = Settings(), _company()
    people = YamlDirectory(company.directory).people()
    facts = known(people, company.company.domain, company.company.security_hotline.values())
    redactor = Redactor(scanner_cache(settings, Home.at(settings.home)), facts)
    redactor.warm()
    return lambda text: redactor.redact(text).text


def _company() -> "Company":
    from integrations.company import load_company
    from integrations.settings import Settings

    return load_company(Settings().company_dir)


def _in_suite(person: "Known", country: str | None) -> Person:
    device = person.computer or next(iter(person.devices), None)
    return Person(
        name=person.name,
        site=person.site,
        country=country,
        employment=person.employment,
        department=person.department,
        location=person.location,
        device=device and device.name,
        os=device and device.platform,
        os_version=device and device.os_version,
        managed=device and device.managed,
        compliant=device and device.compliant,
        app_versions=dict(device.app_versions) if device else {},
    )


# ---- the copilot as a system


@asynccontextmanager
async def copilot(
    cases: Sequence[Case], *, home: Path | None = None, as_reviewed: bool = False
) -> AsyncIterator["Subject"]:
    """The copilot over a copy of a home, else of the environment's; `cases` are all that will be played.

    `as_reviewed`: planted articles count as reviewed, and may be quoted. Raises `SystemConfigError`.
    """
    from integrations import logs
    from integrations.commands.redteam import stage
    from integrations.settings import Settings

    settings = Settings() if home is None else Settings(home=home)
    async with AsyncExitStack() as stack:
        stack.enter_context(logs.configured_to(sys.stderr, level=logging.WARNING))
        try:
            set_up = await stack.enter_async_context(stage(settings, as_reviewed=as_reviewed))
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in _OURS:
                raise
            raise SystemConfigError(f"The copilot can't be started. {error}") from error
        attacks = {case.id: _planted(case, case.attack) for case in cases if case.attack}
        yield Subject(set_up, attacks, stack)


def _planted(case: Case, attack: Attack) -> "Planted":
    """The attack as the red team plants it."""
    from integrations.redteam.cases import Case as Planted

    said = next(turns_of(case)).text
    if attack.channel == "message":
        return Planted(id=case.id, channel="message", text=said, user=case.user)
    text = attack.text or said
    return Planted(id=case.id, channel=attack.channel, text=text, user=case.user, carrier=said)


@dataclass(slots=True)
class Subject:
    """Plays cases on the copy; one at a time, so that latency is the copilot's own."""

    stage: "Stage"
    attacks: Mapping[str, "Planted"]
    stack: AsyncExitStack
    _scenes: dict[int, "Scene"] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def versions(self) -> dict[str, str]:
        """Everything that shapes a reply."""
        return self.stage.app.parts.versions().model_dump()

    async def play(self, ask: Ask) -> Played:
        async with self._turn:
            people = _People(self.stage.app.directory, ask)
            planted = self.attacks.get(ask.case.id)
            if planted is None:
                return await self._ordinary(ask, people)
            scene = await self._scene(planted)
            async with scene.trial(planted, at=ask.at, directory=people) as trial:
                first = scene.inquiry(planted, at=ask.at)
                talk = _Talk(trial, ask, first)
                exchanges = await conversed(ask, talk.answer)
                delivered = talk.first is not None and await scene.delivered(
                    trial, planted, talk.first
                )
                return Played(exchanges, delivered=delivered)

    async def _ordinary(self, ask: Ask, people: "_People") -> Played:
        from integrations.redteam.trial import trial_of

        app = self.stage.app
        async with trial_of(app, app.library, self.stage.empty, people) as trial:
            return Played(await conversed(ask, _Talk(trial, ask, None).answer))

    async def _scene(self, planted: "Planted") -> "Scene":
        """The scene of an attack; pages of one scene are the same in every run of the same cases."""
        on_pages = [case for case in self.attacks.values() if case.channel == "kb_article"]
        place = on_pages.index(planted) // _TOGETHER if planted in on_pages else -1
        if place not in self._scenes:
            together = on_pages[place * _TOGETHER : (place + 1) * _TOGETHER] if place >= 0 else []
            self._scenes[place] = await self.stack.enter_async_context(self.stage.scene(together))
        return self._scenes[place]


@dataclass(slots=True)
class _Talk:
    """One conversation with the copilot."""

    trial: "Trial"
    ask: Ask
    planted: "Inquiry | None"
    """The first message of an attack, with what is planted around it."""
    first: "Reply | None" = None

    async def answer(self, spoken: Spoken) -> Exchange:
        started = time.perf_counter()
        reply = await self.trial.copilot.ask(self._inquiry(spoken))
        took = (time.perf_counter() - started) * 1000
        self.first = self.first or reply
        response = _response(reply, await self._log(reply))
        return Exchange(
            said=spoken.text,
            response=response,
            latency_ms=round(took, 2),
            cost_usd=reply.cost_usd,
        )

    def _inquiry(self, spoken: Spoken) -> "Inquiry":
        from copilot.conversation import Inquiry

        talk, case = self.ask.conversation, self.ask.case
        told = {
            "id": f"{talk}-{spoken.number}",
            "thread": talk,
            "text": spoken.text,
            "user": case.user,
            "channel": case.channel,
            "at": spoken.at,
            "display_name": case.display_name,
        }
        if self.planted is not None:
            told["display_name"] = self.planted.display_name or case.display_name
            told["history"] = self.planted.history if spoken.number == 0 else ()
        return Inquiry.model_validate(told)

    async def _log(self, reply: "Reply") -> str:
        """What is kept of the turn: the message as kept and the record."""
        record = (await self.trial.journal.records(reply.thread_id)).get(reply.inquiry_id)
        view = await self.trial.journal.thread(reply.thread_id, None)
        turns = view.turns if view else ()
        kept = [turn.text for turn in turns if turn.inquiry_id == reply.inquiry_id]
        told = record.model_dump(mode="json", exclude={"timing_ms"}) if record else {}
        return json.dumps({"message": kept, "record": told}, ensure_ascii=False)


def _response(reply: "Reply", log: str) -> Response:
    handoff = reply.handoff
    return Response(
        text=reply.text,
        disposition=reply.disposition,
        category=reply.category,
        subcategory=reply.subcategory,
        action_type=reply.action_type,
        confidence=reply.confidence,
        citations=tuple(
            Cited(
                article_id=each.article_id,
                title=each.title,
                quote=each.quote,
                reviewed_on=each.reviewed_on,
            )
            for each in reply.citations
        ),
        queue=handoff and handoff.queue,
        reason_code=handoff and handoff.reason_code,
        handoff=handoff and handoff.model_dump(mode="json"),
        ticket=reply.ticket and reply.ticket.model_dump(mode="json"),
        rules=reply.policy.rules,
        resolved=reply.resolved,
        log=log,
        versions=reply.versions.model_dump(),
    )


class _People:
    """The directory, in which the asker is as the case says."""

    def __init__(self, everybody: "Directory", ask: Ask) -> None:
        self._everybody, self._ask = everybody, ask

    async def person(self, person_id: str) -> "Known | None":
        known = await self._everybody.person(person_id)
        if known is None or person_id != self._ask.case.user:
            return known
        return _as_told(known, self._ask.case.environment)


def _as_told(person: "Known", told: Mapping[str, str | bool | None]) -> "Known":
    """The person with what a case changes. Raises `ValueError` for what no directory holds."""
    if unknown := sorted(set(told) - _PERSON - _DEVICE):
        known = ", ".join(sorted(_PERSON | _DEVICE))
        raise ValueError(
            f"The directory holds no {', '.join(unknown)}. `environment` takes {known}."
        )
    changed = replace(person, **{key: told[key] for key in sorted(_PERSON & set(told))})  # type: ignore[arg-type]
    return _with_device(changed, {key: told[key] for key in _DEVICE & set(told)})


def _with_device(person: "Known", told: Mapping[str, str | bool | None]) -> "Known":
    from copilot.people import Device

    if not told:
        return person
    before = person.computer or next(iter(person.devices), None) or Device("unknown", "windows")
    ours = {"device": "name", "os": "platform"}
    after = replace(before, **{ours.get(key, key): value for key, value in told.items()})  # type: ignore[arg-type]
    return replace(person, devices=(after, *(d for d in person.devices if d != before)))
