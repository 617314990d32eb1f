"""Read a message: one pass of the embedding model, small classifiers, surface patterns."""

from collections.abc import Iterable, Sequence

from copilot.ports import Embedder, Vector
from copilot.prompts.phrases import unread
from copilot.understanding.attempts import attempted_steps
from copilot.understanding.classifier import Classifiers
from copilot.understanding.language import choose
from copilot.understanding.message import Question, SeenAction, Signs, Understanding
from copilot.understanding.ngrams import buckets
from copilot.understanding.normalise import normalise
from copilot.understanding.patterns import first_match, patterns
from copilot.understanding.recogniser import Recogniser, Seen
from copilot.understanding.segments import clauses, enumerated, segments, sides, spelled_out
from copilot.understanding.signs import signs

_MAX_READ_CHARS = 4_000
_CLEAR = 0.75
_CLEAR_ACT, _SHORT = 0.7, 4
_MIN_PART_WORDS = 5
"""A shorter sentence says too little to be read by itself."""
_MOST = 0.7
"""A part with this share of the message's words means what the message means."""
_SURE_PART = 0.9
_TURNS = 2
"""At how many places a long message is cut in two: a story of several sentences is one request."""
_PLEA, _MAYBE_A_PLEA = "human", 0.1
"""From this on a clause, read within its message, is read by itself once more."""
_SECOND_QUESTION = 0.5
_ECHO = 0.15
"""A part is a question of its own when its label is this certain, and the whole message agrees a little."""


class MessageReader:
    """Turns text into an `Understanding`. Pure but for the models behind the embedders.

    `search` gives the vectors that the library searches with, `tuned` those that the classifiers and
    the recogniser read; the same model may serve as both.
    """

    def __init__(
        self,
        classifiers: Classifiers,
        recogniser: Recogniser,
        search: Embedder,
        tuned: Embedder,
    ) -> None:
        self._classifiers = classifiers
        self._recogniser = recogniser
        self._search = search
        self._tuned = tuned

    def question(self, text: str) -> Question:
        """Read a text as one question, without acts, tone or actions."""
        (tuned,) = self._tuned.embed_queries([text])
        return self._question(text, self._named("label", text, tuned))

    def _question(self, text: str, labels: dict[str, float]) -> Question:
        return Question(
            text,
            self._search.embed_queries([text])[0],
            labels,
            _form(text),
            patterns().duration.search(text) is not None,
        )

    def read(self, raw: str, *, language: str = "en") -> Understanding:
        """Read `raw`. `language` is the writer's usual one."""
        cleaned = normalise(raw, self._classifiers.vocabulary)
        text = cleaned.text[:_MAX_READ_CHARS] or cleaned.quoted[:_MAX_READ_CHARS]
        listed = enumerated(text)
        parts = listed or [p for p in segments(text) if len(p.split()) >= _MIN_PART_WORDS]
        texts = [text, *(part for part in parts if part != text)]
        vectors, halves, pleas = self._vectors(texts)
        topics = [self._named("label", *each) for each in zip(texts, vectors, strict=True)]
        questions = self._questions(texts, topics, listed=bool(listed))
        plain = [questions[0].vector, *[None] * (len(texts) - 1)]
        asked = list(map(self._recogniser.seen, texts, vectors, topics, plain))
        told = {half: self._told(half) for half in (*halves, *spelled_out(text))}
        said = signs(text, questions[0].form)
        acts = _acts(said, self._named("act", text, vectors[0]), short=len(text.split()) <= _SHORT)
        acts = _pleading(acts, self._pleads(pleas))
        languages = self._named("language", text, vectors[0])
        spoken = choose(text, languages, self._classifiers.vocabulary, language, others=unread())
        actions = _actions([*texts, *told], [*asked, *told.values()])
        tone = self._named("tone", text, vectors[0])
        urgency = self._named("urgency", text, vectors[0])
        return Understanding(
            text=text,
            language=spoken,
            questions=questions,
            # What can't be read looks like anything; people read it.
            actions=actions if spoken in languages else _all_but_certain(actions),
            readable=spoken in languages,
            act=max(acts, key=lambda act: acts[act]),
            acts=acts,
            tone="neutral" if said.works_now else _clear(tone, "neutral"),
            urgency=_clear(urgency, "normal"),
            platform=first_match(patterns().platforms, text),
            location=first_match(patterns().locations, text),
            attempted=attempted_steps(text),
            error_messages=cleaned.error_messages,
            disguised=cleaned.disguised,
            suspect=_suspect(texts, asked),
            signs=said,
            signals={
                "frustration": tone.get("frustrated", 0.0),
                "urgency": urgency.get("high", 0.0),
                "ambiguity": self._ambiguity(text, vectors[0]),
            },
        )

    def _named(self, group: str, text: str, vector: Vector) -> dict[str, float]:
        return self._classifiers[group].named(vector, buckets(text))

    def _ambiguity(self, text: str, vector: Vector) -> float:
        return self._named("ambiguity", text, vector).get("ambiguous", 0.0)

    def _pleads(self, pleas: Sequence[str]) -> float:
        """How surely a clause asks for a person. Beside a problem the whole message does not say so."""
        if not pleas:
            return 0.0
        vectors = self._tuned.embed_queries(pleas)
        return max(
            self._named("act", plea, vector)[_PLEA]
            for plea, vector in zip(pleas, vectors, strict=True)
        )

    def _vectors(self, texts: list[str]) -> tuple[list[Vector], list[str], list[str]]:
        """Vectors of a message and its parts; which halves are to be read by themselves; which clauses may plead.

        The part that is most of the message takes its vector.
        """
        most = _MOST * len(texts[0].split())
        parts = [text for text in texts[1:] if len(text.split()) < most]
        cuts = list(sides(texts[0]))
        short = clauses(texts[0])
        within = [*parts, *short, *(side for cut in cuts for side in cut)]
        whole, inside = self._tuned.embed_in_context(texts[0], within)
        topic = self._topic(texts[0], whole)
        own = {
            part: self._part(part, vector, topic)
            for part, vector in zip(parts, inside, strict=False)
        }
        pleas = zip(short, inside[len(parts) :], strict=False)
        beside = inside[len(parts) + len(short) :]
        halves = self._halves(cuts, list(zip(beside[::2], beside[1::2], strict=True)))
        return [own.get(text, whole) for text in texts], halves, self._maybe_pleas(pleas)

    def _maybe_pleas(self, read: Iterable[tuple[str, Vector | None]]) -> list[str]:
        return [
            clause
            for clause, vector in read
            if vector is None or self._named("act", clause, vector)[_PLEA] >= _MAYBE_A_PLEA
        ]

    def _halves(
        self,
        cuts: Sequence[tuple[str, str]],
        vectors: Sequence[tuple[Vector | None, Vector | None]],
    ) -> list[str]:
        """Both sides of where a message turns most to something else, at no more than `_TURNS` places."""
        near: list[tuple[float, tuple[str, str]]] = []
        for (before, after), (left, right) in zip(cuts, vectors, strict=True):
            if left is None or right is None:
                continue
            if self._topic(before, left) != self._topic(after, right):
                near.append((float(left @ right), (before, after)))
        return list(dict.fromkeys(side for _, cut in sorted(near)[:_TURNS] for side in cut))

    def _told(self, half: str) -> list[Seen]:
        """What one side of a message asks for.

        Told in several sentences, a wish is in none of them, and beside an everyday question it is
        not in the whole message either.
        """
        (vector,) = self._tuned.embed_queries([half])
        seen = self._recogniser.seen(half, vector, self._named("label", half, vector))
        return [each for each in seen if each.confidence >= _SURE_PART]

    def _part(self, part: str, inside: Vector | None, topic: str) -> Vector:
        """A part is read within its message, in the same pass of the model.

        Where it seems to be about something else it is read by itself: its neighbours would blur it.
        """
        if inside is not None and self._topic(part, inside) == topic:
            return inside
        alone: Vector = self._tuned.embed_queries([part])[0]
        return alone

    def _topic(self, text: str, vector: Vector) -> str:
        labels = self._named("label", text, vector)
        return max(labels, key=lambda name: labels[name])

    def _questions(
        self, texts: list[str], topics: list[dict[str, float]], *, listed: bool
    ) -> tuple[Question, ...]:
        """The whole message, and its parts where they ask about different things.

        What the writer numbered is a question, however it reads.
        """
        whole = topics[0]
        kept: dict[str, int] = {}
        for number, (text, labels) in enumerate(zip(texts[1:], topics[1:], strict=True), start=1):
            label = max(labels, key=lambda name: labels[name])
            asked = text.rstrip().endswith("?") or whole.get(label, 0.0) >= _ECHO
            if listed or (labels[label] >= _SECOND_QUESTION and asked):
                kept.setdefault(label, number)
        chosen = [0, *kept.values()] if len(kept) > 1 else [0]
        return tuple(self._question(texts[number], topics[number]) for number in chosen)


def _actions(texts: list[str], asked: Sequence[Sequence[Seen]]) -> tuple[SeenAction, ...]:
    """Each action once, where it is seen best. What the whole message asks for leads.

    A sentence out of its context reads like something else easily ("my phone is smashed"), so a
    part adds to a message that asks for something already only when it is all but certain.
    """
    best = {action: SeenAction(action, sure, texts[0]) for action, sure in asked[0]}
    needed = _SURE_PART if best else 0.0
    for text, found in zip(texts[1:], asked[1:], strict=True):
        for action, sure in found:
            known = best.get(action)
            if sure >= max(needed, known.confidence if known else 0.0):
                best[action] = SeenAction(action, sure, text)
    return tuple(sorted(best.values(), key=lambda seen: (-seen.confidence, seen.action)))


def _suspect(texts: Sequence[str], asked: Sequence[Sequence[Seen]]) -> frozenset[str]:
    """The parts in which something was seen."""
    return frozenset(part for part, seen in zip(texts[1:], asked[1:], strict=True) if seen)


def _all_but_certain(actions: tuple[SeenAction, ...]) -> tuple[SeenAction, ...]:
    return tuple(seen for seen in actions if seen.confidence >= _SURE_PART)


def _clear(classes: dict[str, float], usual: str) -> str:
    """The most probable class, or the usual one where none stands out: a wrong tone reads badly."""
    best = max(classes, key=lambda name: classes[name])
    return best if classes[best] >= _CLEAR else usual


def _acts(said: Signs, read: dict[str, float], *, short: bool) -> dict[str, float]:
    """What is said of the outcome decides between acts that sound alike.

    Who says that nothing changed neither thanks nor says that it works, however friendly it sounds;
    in a few words it says nothing else. Who thanks and says that it works now reports a success.
    """
    if said.unchanged:
        alike = ("resolved", "smalltalk", "thanks", "cancel")
        unsure = tuple(act for act, p in read.items() if p < _CLEAR_ACT) if short else ()
        return _moved(read, tuple({*alike, *unsure} - {"step_failed"}), "step_failed")
    if said.works_now:
        return _moved(read, ("thanks", "smalltalk", "greeting"), "resolved")
    return read


def _pleading(read: dict[str, float], plea: float) -> dict[str, float]:
    """Acts of a message one of whose clauses asks for a person."""
    if plea <= read[_PLEA]:
        return read
    return {act: p * (1 - plea) for act, p in read.items()} | {_PLEA: plea}


def _moved(read: dict[str, float], givers: tuple[str, ...], taker: str) -> dict[str, float]:
    gained = sum(read.get(act, 0.0) for act in givers)
    return {**read, **dict.fromkeys(givers, 0.0), taker: read.get(taker, 0.0) + gained}


def _form(text: str) -> str:
    if any(pattern.search(text) for pattern in patterns().yes_no.values()):
        return "yes_no"
    return "how_long" if patterns().how_long.search(text) else "problem"
