"""Build what tier 2 gets: everything known, everything tried, and what is missing, said as such. Pure."""

from collections.abc import Sequence
from datetime import UTC

from copilot.company import CompanyFacts
from copilot.conversation import (
    AttemptedStep,
    EmployeeCard,
    Environment,
    Evidence,
    Handoff,
    Priority,
)
from copilot.gate import location
from copilot.moves import Move
from copilot.people import Device, Person
from copilot.state import Asked, Case, Memory
from copilot.understanding.message import Understanding
from knowledge.findings import Findings
from policies.model import Decision

_SUMMARY_CHARS = 280
_PLATFORM_OS = {"windows": "Windows", "macos": "macOS", "ios": "iOS", "android": "Android"}
_CLEAR_TOPIC, _LIKELY_TOPIC = 0.6, 0.35
"""Certainty of a topic that replaces the conversation's, and one that names an owner."""
_PRESSING = 0.8
"""Probability of high urgency that raises the priority: much is called urgent."""
FAILED = ("step_failed", "steps_failed", "came_back")
"""Reasons of moves that follow a try which did not help."""
LIKELY_TOPIC = 0.5
_NEXT_STEP = {
    "not_sure": "No current article answered this. Contact the employee and, once solved, note which article is missing.",
    "steps_failed": "Continue after the attempted steps; do not repeat them.",
    "more_information": "Read what the employee added; it may change the case.",
    "unread_language": "Read the transcript: the copilot does not read the language that it is written in.",
    "human_requested": "Contact the employee; they asked for a person.",
    "came_back": "Reopened: compare with the earlier attempt before repeating it.",
    "frustrated": "Contact the employee soon; they are angry about the answers so far.",
    "outage": "The copilot could not finish this turn. Read the transcript and contact the employee.",
}


def build(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    decision: Decision,
    move: Move,
    findings: Sequence[Findings],
    company: CompanyFacts,
    case: Case | None = None,
) -> Handoff:
    """The handoff of this turn, with what earlier turns of the conversation brought.

    `case` is the open case that it is added to: its topic and queue stay as they are.
    """
    filed = case if case and case.label else None
    keeps = filed is not None or _keeps_topic(memory, understanding, move)
    label = _label(understanding, decision, company) if not keeps else memory.label
    label = move.focus or (filed.label if filed else label)
    failed = memory.failures + (move.reason in FAILED and bool(memory.shown))
    environment = environment_of(asked, memory, understanding, label, company)
    card = card_of(asked.person)
    category, _, subcategory = (label or "").partition(".")
    ruled = decision.effect == "escalate"
    topic = _topic(label, decision, company)
    decided = (move.queue, filed and filed.ticket.queue, decision.queue if ruled else None)
    steps = _steps(memory, understanding, failed)
    queue = next(filter(None, decided), None) or _queue(label, understanding, move, company)
    return Handoff(
        summary=_summary(asked, memory, understanding, topic, keeps),
        category=category or None,
        subcategory=subcategory or None,
        priority=(decision.priority if ruled else None) or _priority(understanding),
        queue=queue,
        reason_code=move.reason,
        employee=card,
        environment=environment,
        attempted_steps=steps,
        error_messages=_errors(memory, understanding),
        evidence=_evidence(memory.shown[:failed], findings, ruled=ruled),
        ruled_out=tuple(
            f"The steps of {article} did not help." for article in memory.shown[:failed]
        ),
        suggested_next_step=_suggestion(move, decision, findings),
        confidence=_confidence(decision, understanding, findings),
        identity_verified=asked.person.active,
        missing=_missing(card, environment, steps, (category or None, subcategory or None)),
        transcript_url=f"/cases/threads/{asked.thread_id}",
        redactions=memory.redactions + asked.redactions,
    )


def _label(understanding: Understanding, decision: Decision, company: CompanyFacts) -> str | None:
    """An escalated action says better what the case is about than an unsure topic does."""
    label = understanding.main.label
    if decision.escalated and understanding.main.certainty < LIKELY_TOPIC:
        return company.action_labels.get(decision.escalated[0].action, label)
    return label


def _errors(memory: Memory, understanding: Understanding) -> tuple[str, ...]:
    every = (*memory.error_messages, *understanding.error_messages)
    return tuple(dict.fromkeys(every))[:10]


def card_of(person: Person) -> EmployeeCard:
    return EmployeeCard(
        id=person.id,
        name=person.name,
        site=person.site,
        manager=person.manager,
        known_at=person.known_at,
    )


def _priority(understanding: Understanding) -> Priority:
    if understanding.signals["urgency"] >= _PRESSING:
        return "P2"
    return "P4" if understanding.urgency == "low" else "P3"


def _keeps_topic(memory: Memory, understanding: Understanding, move: Move) -> bool:
    if memory.label is None:
        return False
    follow_up = move.reason in (
        "steps_failed",
        "human_requested",
        "came_back",
        "more_information",
        "not_sure",
    )
    unclear = understanding.main.certainty < _CLEAR_TOPIC
    return move.reason == "frustrated" or (follow_up and unclear)


def _queue(
    label: str | None, understanding: Understanding, move: Move, company: CompanyFacts
) -> str:
    """The owner of the topic where the topic is clear, else the default queue."""
    sure = (
        move.reason in ("steps_failed", "came_back", "frustrated")
        or understanding.main.certainty >= _LIKELY_TOPIC
    )
    if move.focus and move.focus in company.topics:
        owners = (o for x, o in company.owners.items() if x.partition(".")[0] == move.focus)
        return next(owners, company.default_queue)
    return company.owners.get(label or "", company.default_queue) if sure else company.default_queue


def environment_of(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    label: str | None,
    company: CompanyFacts,
) -> Environment:
    """Device and place: what was said decides between known devices; the directory fills the rest."""
    device = _device(asked.person, understanding.platform or memory.platform)
    said = understanding.platform or memory.platform
    place = location(asked.person, memory, understanding)
    application = company.applications.get((label or "").partition(".")[0])
    versions = dict(device.app_versions) if device else {}
    return Environment(
        device=device.name if device else None,
        os=_os(device, said),
        network=None,
        location=None if place == "unknown" else place,
        app_version=versions.get(application) if application else None,
        managed=device.managed if device else None,
        application=application,
        posture=posture_of(device) if device else None,
    )


def _device(person: Person, platform: str | None) -> Device | None:
    if platform is None:
        return person.computer
    return next((device for device in person.devices if device.platform == platform), None)


def posture_of(device: Device) -> str | None:
    """The device's verdict with its age; `None` where nothing was ever checked."""
    said = {True: "compliant", False: "not compliant", None: "unknown"}[device.compliant]
    if device.checked_at is None:
        return None if device.compliant is None else said
    return f"{said}, last checked {device.checked_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _os(device: Device | None, said: str | None) -> str | None:
    if device:
        return f"{_PLATFORM_OS[device.platform]} {device.os_version or ''}".strip()
    return _PLATFORM_OS.get(said or "")


def _topic(label: str | None, decision: Decision, company: CompanyFacts) -> str:
    """What the case is about: the action that people must decide, else the topic."""
    if decision.escalated:
        action = decision.escalated[0].action
        return company.action_titles.get(action, action.replace("_", " "))
    if label and label in company.topics:
        return company.choice(label, "en")
    return company.choices.get(label or "", "Topic unclear")


def _summary(
    asked: Asked, memory: Memory, understanding: Understanding, topic: str, keeps: bool
) -> str:
    said = " ".join(understanding.text.split())
    if keeps and memory.problem and memory.problem not in said:
        said = f"{' '.join(memory.problem.split())} / latest: {said}"
    if len(said) > _SUMMARY_CHARS:
        said = f"{said[: _SUMMARY_CHARS - 1].rstrip()}…"
    return f'{topic}. {asked.person.name} wrote: "{said}"'


def _steps(memory: Memory, understanding: Understanding, failed: int) -> tuple[AttemptedStep, ...]:
    """What was tried, in the employee's words, and what the copilot had suggested without success."""
    suggested = tuple(
        AttemptedStep(step=f"Steps of {article}", outcome="failed", source="suggested_by_copilot")
        for article in memory.shown[:failed]
    )
    every = {s.step.lower(): s for s in (*suggested, *memory.attempted, *understanding.attempted)}
    return tuple(every.values())[:12]


def _evidence(
    failed: Sequence[str], findings: Sequence[Findings], *, ruled: bool
) -> tuple[Evidence, ...]:
    found = dict.fromkeys(failed, "Its steps were given and did not help.")
    for finding in findings:
        for hit in finding.stale_hits[:2]:
            found.setdefault(
                hit.article_id, f"Past its review date (last reviewed {hit.reviewed_on})."
            )
        for rank, hit in enumerate(finding.hits[:3]):
            found.setdefault(hit.article_id, _why_not(rank, finding, ruled=ruled))
    return tuple(Evidence(article_id=a, why_not_enough=why) for a, why in found.items())[:6]


def _why_not(rank: int, finding: Findings, *, ruled: bool) -> str:
    if ruled:
        return "Near by topic, but the request is one that people must decide."
    if rank:
        return "Further from the question than the first."
    chance = f"{finding.confidence:.2f}"
    return f"Nearest by topic; the probability that it answers the question is {chance}."


def _suggestion(move: Move, decision: Decision, findings: Sequence[Findings]) -> str | None:
    stale = next((hit for f in findings for hit in f.stale_hits if f.stale_hits), None)
    if stale is not None and move.reason == "not_sure":
        return f"Check {stale.article_id} ({stale.title}), which is past its review date, then update it."
    if decision.effect == "escalate":
        action = (
            decision.escalated[0].action.replace("_", " ") if decision.escalated else "the request"
        )
        return f"Verify identity by the queue's own procedure, then decide on: {action}."
    return _NEXT_STEP.get(move.reason)


def _confidence(
    decision: Decision, understanding: Understanding, findings: Sequence[Findings]
) -> float:
    if decision.effect == "escalate" and understanding.actions:
        return round(max(min(seen.confidence, 1.0) for seen in understanding.actions), 3)
    return round(max((finding.confidence for finding in findings), default=0.0), 3)


def _missing(
    card: EmployeeCard,
    environment: Environment,
    steps: tuple[AttemptedStep, ...],
    topic: tuple[str | None, str | None],
) -> tuple[str, ...]:
    known: dict[str, object] = {
        "category": topic[0],
        "subcategory": topic[1],
        "attempted_steps": steps or None,
        **{f"employee.{k}": v for k, v in card.model_dump(exclude={"known_at"}).items()},
        **{f"environment.{k}": v for k, v in environment.model_dump().items()},
    }
    return tuple(name for name, value in known.items() if value is None)
