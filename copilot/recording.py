"""What is kept of a turn, and what is counted of it."""

from copilot import held, outage
from copilot.author.draft import Draft
from copilot.conversation import Reply
from copilot.record import PassageScore, TurnRecord
from copilot.state import Asked, TurnState
from copilot.understanding.message import SeenAction


def record_of(state: TurnState) -> TurnRecord:
    asked, reply = state["asked"], state["reply"]
    read = state.get("understanding")
    findings = state.get("findings", ())
    signals: dict[str, float | int | str | bool | list[str] | None] = {}
    if read is not None:
        signals = {
            "act": read.act,
            "tone": read.tone,
            "urgency_class": read.urgency,
            "label": read.main.label,
            "label_certainty": round(read.main.certainty, 4),
            "disguised": read.disguised,
            "actions": [_seen(seen) for seen in read.actions],
            "move": state["move"].kind,
            "reason": state["move"].reason,
            **{name: round(value, 4) for name, value in read.signals.items()},
            **read.notes,
        }
    for number, finding in enumerate(findings):
        signals |= {f"search{number}.{k}": round(float(v), 4) for k, v in finding.signals.items()}
        signals[f"search{number}.confidence"] = round(finding.confidence, 4)
    draft = state.get("draft")
    signals |= draft.signals if draft else {}
    passages = tuple(
        PassageScore(
            chunk_id=p.chunk_id, article_id=p.article_id, score=round(p.score, 4), stale=hit.stale
        )
        for finding in findings
        for hit in (*finding.hits[:5], *finding.stale_hits[:2])
        for p in hit.passages
    )
    author = draft.author if draft else "deterministic"
    return _kept(asked, reply, author, signals, passages).model_copy(update=_receipt(state))


def _seen(seen: SeenAction) -> str:
    mark = "" if seen.seen_by == "recogniser" else f":{seen.seen_by}"
    return f"{seen.action}:{seen.confidence:.2f}{mark}"


def _receipt(state: TurnState) -> dict[str, object]:
    request, decision = state.get("request"), state.get("decision")
    return {
        "request": request,
        "input_hash": decision.input_hash if decision else None,
        "prompt": state.get("draft", Draft()).prompt,
    }


def outage_record(asked: Asked, reply: Reply) -> TurnRecord:
    return _kept(asked, reply, "outage", {"reason": outage.REASON})


def held_record(asked: Asked, reply: Reply) -> TurnRecord:
    return _kept(asked, reply, "held", {"reason": held.RULE})


def _kept(
    asked: Asked,
    reply: Reply,
    author: str,
    signals: dict[str, float | int | str | bool | list[str] | None],
    passages: tuple[PassageScore, ...] = (),
) -> TurnRecord:
    return TurnRecord(
        inquiry_id=reply.inquiry_id,
        thread_id=reply.thread_id,
        user=asked.person.id,
        channel=asked.inquiry.channel,
        at=asked.inquiry.at,
        language=reply.language,
        author=author,
        passages=passages,
        signals=signals,
        decision=reply.policy,
        versions=reply.versions,
        cost_usd=reply.cost_usd,
        redactions=asked.redactions,
        context=asked.given,
    )


def fields_of(reply: Reply) -> dict[str, str | float | int | bool | None]:
    return {
        "inquiry": reply.inquiry_id,
        "thread": reply.thread_id,
        "disposition": reply.disposition,
        "category": reply.category,
        "subcategory": reply.subcategory,
        "confidence": reply.confidence,
        "effect": reply.policy.effect,
        "queue": reply.ticket.queue if reply.ticket else None,
        "ms": reply.timing_ms.get("total"),
        "knowledge": reply.versions.knowledge,
        "policy": reply.versions.policy,
    }
