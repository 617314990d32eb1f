"""Read a message: one pass of the embedding model, small classifiers, surface patterns."""

from copilot.ports import Embedder, Vector
from copilot.understanding.attempts import attempted_steps
from copilot.understanding.classifier import Classifiers
from copilot.understanding.language import choose
from copilot.understanding.message import Question, SeenAction, Understanding
from copilot.understanding.ngrams import buckets
from copilot.understanding.normalise import normalise
from copilot.understanding.patterns import first_match, patterns
from copilot.understanding.recogniser import Recogniser
from copilot.understanding.segments import segments

_MAX_READ_CHARS = 4_000
_CLEAR = 0.75
_MIN_PART_WORDS = 5
_SURE_PART = 0.9
_SECOND_QUESTION = 0.5
_ECHO = 0.08
"""A part is a question of its own when its label is this certain, and the whole message agrees a little."""


class MessageReader:
    """Turns text into an `Understanding`. Pure but for the model behind `embedder`."""

    def __init__(
        self, classifiers: Classifiers, recogniser: Recogniser, embedder: Embedder
    ) -> None:
        self._classifiers = classifiers
        self._recogniser = recogniser
        self._embedder = embedder

    def question(self, text: str) -> Question:
        """Read a text as one question, without acts, tone or actions."""
        vector = self._embedder.embed_queries([text])[0]
        return Question(text, vector, self._named("label", text, vector), _form(text))

    def read(self, raw: str, *, language: str = "en") -> Understanding:
        """Read `raw`. `language` is the writer's usual one."""
        cleaned = normalise(raw, self._classifiers.vocabulary)
        text = cleaned.text[:_MAX_READ_CHARS] or cleaned.quoted[:_MAX_READ_CHARS]
        parts = segments(text)
        texts = [text, *(part for part in parts if len(parts) > 1)]
        vectors = self._embedder.embed_queries(texts)
        questions = self._questions(texts, vectors)
        acts = self._named("act", text, vectors[0])
        spoken = choose(
            text, self._named("language", text, vectors[0]), self._classifiers.vocabulary, language
        )
        tone = self._named("tone", text, vectors[0])
        urgency = self._named("urgency", text, vectors[0])
        return Understanding(
            text=text,
            language=spoken,
            questions=questions,
            actions=self._actions(texts, vectors),
            act=max(acts, key=lambda act: acts[act]),
            acts=acts,
            tone=_clear(tone, "neutral"),
            urgency=_clear(urgency, "normal"),
            platform=first_match(patterns().platforms, text),
            location=first_match(patterns().locations, text),
            attempted=attempted_steps(text),
            error_messages=cleaned.error_messages,
            disguised=cleaned.disguised,
            signals={
                "frustration": tone.get("frustrated", 0.0),
                "urgency": urgency.get("high", 0.0),
                "ambiguity": self._named("ambiguity", text, vectors[0]).get("ambiguous", 0.0),
            },
        )

    def _named(self, group: str, text: str, vector: Vector) -> dict[str, float]:
        return self._classifiers[group].named(vector, buckets(text))

    def _questions(self, texts: list[str], vectors: Vector) -> tuple[Question, ...]:
        read = [
            Question(text, vector, self._named("label", text, vector), _form(text))
            for text, vector in zip(texts, vectors, strict=True)
        ]
        whole, parts = read[0], read[1:]
        kept: dict[str, Question] = {}
        for part in parts:
            echoed = whole.labels.get(part.label, 0.0) >= _ECHO
            asked = part.text.rstrip().endswith("?") or echoed
            if part.certainty >= _SECOND_QUESTION and asked:
                kept.setdefault(part.label, part)
        return (whole, *kept.values()) if len(kept) > 1 else (whole,)

    def _actions(self, texts: list[str], vectors: Vector) -> tuple[SeenAction, ...]:
        """Each action once, where it is seen best. What the whole message asks for leads.

        A sentence out of its context reads like something else easily ("my phone is smashed"), so a
        part adds to a message that asks for something already only when it is all but certain.
        """
        best = {seen.action: seen for seen in self._asked(texts[0], vectors[0], part=False)}
        needed = _SURE_PART if best else 0.0
        for text, vector in zip(texts[1:], vectors[1:], strict=True):
            if len(text.split()) < _MIN_PART_WORDS:
                continue
            for seen in self._asked(text, vector, part=True):
                known = best.get(seen.action)
                if seen.confidence >= max(needed, known.confidence if known else 0.0):
                    best[seen.action] = seen
        return tuple(sorted(best.values(), key=lambda seen: (-seen.confidence, seen.action)))

    def _asked(self, text: str, vector: Vector, *, part: bool) -> list[SeenAction]:
        topics = self._named("label", text, vector)
        seen = self._recogniser.seen(text, vector, topics, part=part)
        return [SeenAction(action, confidence, text) for action, confidence in seen]


def _clear(classes: dict[str, float], usual: str) -> str:
    """The most probable class, or the usual one where none stands out: a wrong tone reads badly."""
    best = max(classes, key=lambda name: classes[name])
    return best if classes[best] >= _CLEAR else usual


def _form(text: str) -> str:
    if any(pattern.search(text) for pattern in patterns().yes_no.values()):
        return "yes_no"
    return "how_long" if patterns().how_long.search(text) else "problem"
