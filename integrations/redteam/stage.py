"""Plays cases on a throw-away copy of a home, and reads back what really reached the turn."""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from copilot.conversation import (
    EmployeeCard,
    Environment,
    Handoff,
    Inquiry,
    PastMessage,
    PolicyOutcome,
    Reply,
    TicketRef,
)
from copilot.ports import Directory
from copilot.ports import Library as AnyLibrary
from copilot.record import NewInquiry, TurnRecord
from integrations.home import Home
from integrations.preparing import searching_embedder
from integrations.redteam.cases import Case, carrier_of, message_of
from integrations.redteam.overlay import Page, ReadableTo, planted
from integrations.redteam.trial import Trial, empty_records, trial_of
from integrations.wiring import App
from knowledge.versions import current_dir, write_pointer

if TYPE_CHECKING:
    from knowledge.search import Library

_KINDS = {"ticket_text": "ticket", "display_name": "display_name", "thread_history": "history"}
_NAME_CHARS = 500
_PLACEHOLDER = re.compile(r"\[([a-z_-]+)-\d+\]")


@dataclass(frozen=True, slots=True)
class Played:
    """A case with its reply."""

    reply: Reply
    delivered: bool
    """Whether the text stood in the turn's recorded context, as the redactor left it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Cases that are played together: those of articles share one edition with all their pages."""

    stage: "Stage"
    overlay: "Library | None"
    pages: Mapping[Case, Page]

    async def play(self, case: Case, *, planting: bool = True) -> Played:
        """The reply to a case. Without `planting` its page can't be read and nothing else is planted."""
        async with self.trial(case, planting=planting) as trial:
            reply = await trial.copilot.ask(self.inquiry(case, planting=planting))
            return Played(reply, planting and await self.delivered(trial, case, reply))

    @asynccontextmanager
    async def trial(
        self,
        case: Case,
        *,
        planting: bool = True,
        at: datetime | None = None,
        directory: Directory | None = None,
    ) -> AsyncIterator[Trial]:
        """Records of the case's own, in which its text stands where its page or ticket is read."""
        app, page = self.stage.app, self.pages.get(case)
        library: AnyLibrary = app.library
        if page is not None and self.overlay is not None:
            library = ReadableTo(self.overlay, page.group) if planting else self.overlay
        async with trial_of(app, library, self.stage.empty, directory) as trial:
            if case.channel == "ticket_text" and planting:
                await self._earlier_case(trial, self.inquiry(case, planting=planting, at=at), case)
            yield trial

    def inquiry(self, case: Case, *, planting: bool = True, at: datetime | None = None) -> Inquiry:
        """The message of a case, with its text where the message itself carries it."""
        at = at or self.stage.at
        past = PastMessage(at=at - timedelta(minutes=5), text=case.text)
        named = case.channel == "display_name" and planting
        return Inquiry(
            id=case.id,
            text=message_of(case) if planting else carrier_of(case),
            user=case.user or self.stage.app.default_user,
            channel="redteam",
            at=at,
            display_name=case.text[:_NAME_CHARS] if named else None,
            history=(past,) if case.channel == "thread_history" and planting else (),
        )

    async def _earlier_case(self, trial: Trial, inquiry: Inquiry, case: Case) -> None:
        """The same employee's case of yesterday, with the text in its ticket."""
        app, yesterday = self.stage.app, inquiry.at - timedelta(days=1)
        before = inquiry.model_copy(
            update={"id": f"{case.id}/earlier", "text": "Please look into this.", "at": yesterday}
        )
        category, _, subcategory = self.stage.label_of(inquiry.text).partition(".")
        begun = await trial.journal.begin(before, text_hash="earlier")
        if not isinstance(begun, NewInquiry):
            return
        handoff = Handoff(
            summary=case.text,
            category=category,
            subcategory=subcategory,
            priority="P3",
            queue=app.company.default_queue,
            reason_code="human_requested",
            employee=EmployeeCard(id=before.user),
            environment=Environment(),
            confidence=0.0,
        )
        ticket = await trial.desk.open(
            handoff, key="earlier", thread_id=begun.thread_id, opened_by=before.user, at=yesterday
        )
        reply, record = _as_escalated(before, begun.thread_id, handoff, ticket, app)
        await trial.journal.finish(reply, record)

    async def delivered(self, trial: Trial, case: Case, reply: Reply) -> bool:
        """Whether the case's text stood in the recorded context of a reply."""
        record = (await trial.journal.records(reply.thread_id)).get(reply.inquiry_id)
        if record is None:
            return False
        if case.channel == "kb_article":
            return _squeezed(case.text) in _squeezed(self._passages(case, record))
        if case.channel == "message":
            view = await trial.journal.thread(reply.thread_id, None)
            said = [turn.text for turn in view.turns] if view else []
        else:
            said = [g.text for g in record.context if g.kind == _KINDS[case.channel]]
        kept = await trial.copilot.as_kept(
            self.inquiry(case, planting=False).model_copy(update={"text": case.text})
        )
        return any(_squeezed(kept.text) in _squeezed(text) for text in said)

    def _passages(self, case: Case, record: TurnRecord) -> str:
        """The recorded passages of the case's page, in the page's order."""
        page = self.pages[case]
        found = {p.chunk_id for p in record.passages if p.article_id == page.id}
        if self.overlay is None or not found:
            return ""
        ordered = sorted(found, key=lambda chunk: int(chunk.rpartition("#")[2]))
        return "\n".join(self.overlay.passage(chunk) or "" for chunk in ordered)


@dataclass(slots=True)
class Stage:
    """The throw-away copy: one app whose index is a copy, and a place for records and editions."""

    app: App
    folder: Path
    empty: Path
    at: datetime
    as_reviewed: bool = False
    _scenes: int = field(default=0)

    @asynccontextmanager
    async def scene(self, cases: Sequence[Case]) -> AsyncIterator[Scene]:
        """The stage set for some cases."""
        served = self.app.library.library
        pages = {
            case: self._page(number, case)
            for number, case in enumerate(cases)
            if case.channel == "kb_article"
        }
        if not pages:
            yield Scene(self, None, {})
            return
        self._scenes += 1
        folder = self.folder / f"edition-{self._scenes}"
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            embedder = searching_embedder(self.app.settings)
            edition = planted(folder, served, [*pages.values()], embedder, self.at.date())
            yield Scene(self, stack.enter_context(edition), pages)

    def label_of(self, text: str) -> str:
        """The topic that a message is most likely about."""
        labels = self.app.parts.reader.question(text).labels
        return max(labels, key=lambda label: labels[label], default="")

    def _page(self, number: int, case: Case) -> Page:
        question = carrier_of(case)
        return Page(
            id=f"planted-{number:05d}",
            question=question,
            text=case.text,
            label=self.label_of(question),
            owner=self.app.company.default_queue,
            reviewed=self.as_reviewed,
        )


@asynccontextmanager
async def stage_of(
    source: Home, opened: Callable[[Path], Awaitable[App]], *, as_reviewed: bool = False
) -> AsyncIterator[Stage]:
    """A throw-away copy of a home that has an index; `opened` opens the copy. Writes nothing to the home."""
    with TemporaryDirectory(prefix="copilot-redteam-") as name:
        folder = Path(name)
        home = Home.at(folder / "home")
        copy_index(source.index, home.index)
        if source.vectors.is_dir():
            shutil.copytree(source.vectors, home.vectors)
        app = await opened(home.path)
        try:
            empty = await empty_records(folder)
            yield Stage(app, folder, empty, app.clock(), as_reviewed)
        finally:
            await app.close()


def copy_index(source: Path, target: Path) -> None:
    """Copy the serving version. It never changes once it serves, so a server may have it open."""
    serving = current_dir(source)
    copy = target / "versions" / serving.name
    shutil.copytree(serving, copy, ignore=shutil.ignore_patterns("owner.*"))
    write_pointer(target, serving.name)


def _as_escalated(
    inquiry: Inquiry, thread_id: str, handoff: Handoff, ticket: TicketRef, app: App
) -> tuple[Reply, TurnRecord]:
    """A turn that went to people, as the journal keeps it."""
    versions = app.parts.versions()
    decision = PolicyOutcome(effect="permit", policy_version=versions.policy)
    reply = Reply(
        inquiry_id=inquiry.id,
        thread_id=thread_id,
        disposition="escalate",
        text="A person has it.",
        language="en",
        category=handoff.category,
        subcategory=handoff.subcategory,
        action_type="escalation",
        policy=decision,
        handoff=handoff,
        ticket=ticket,
        versions=versions,
    )
    record = TurnRecord(
        inquiry_id=inquiry.id,
        thread_id=thread_id,
        user=inquiry.user,
        channel=inquiry.channel,
        at=inquiry.at,
        language="en",
        author="redteam",
        decision=decision,
        versions=versions,
    )
    return reply, record


def _squeezed(text: str) -> str:
    """Without differences of white space and of the numbers of placeholders."""
    return _PLACEHOLDER.sub(r"[\1]", " ".join(text.split()))
