"""The judge: one call to a chat model decides one criterion that no rule can, and must quote what it saw.

It never learns which system it reads. What it reads is material between marks that the material cannot write;
the last verdict of its reply counts. A verdict whose quote does not stand in the answer is no verdict. The same
question about the same answer is asked once: the cache is keyed by criterion, case, answer, judge and prompt.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from evals.case import Case, Criterion, Value
from evals.documents import lines_of
from evals.grade import Verdict
from evals.graders.phrases import Text
from evals.graders.rules import Ruling

PROMPT = Path(__file__).parent / "prompts" / "judge.txt"
_CODE_LENGTH = 12
_ANSWERS: Mapping[str, Verdict] = {"met": "met", "not met": "not_met", "cannot tell": "unscored"}
_OBJECT = re.compile(r"\{[^{}]*\}")
_MARKS = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "{": "(", "}": ")", "[": "(", "]": ")", "`": "'", "|": "¦"}
)
_MARKUP = re.compile(r"(\*{1,3}|_{2,3}|~~|^#{1,6} +|^> ?)", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[*•◦+-][ \t]+", re.MULTILINE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_BLANK = re.compile(r"\s*\n\s*\n\s*")


class Price(Value):
    """What a judge's model costs, in US dollars for a million tokens."""

    input_usd: float = 0.0
    output_usd: float = 0.0


class Spent(Value):
    """What the judge has used so far; reported apart from the systems' own cost."""

    calls: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class _Opinion(Value):
    """What the model says of one criterion."""

    verdict: Literal["met", "not met", "cannot tell"]
    quote: str = ""
    reason: str = ""


class Verdicts:
    """The verdicts given so far; kept in a file of JSON lines where one is named."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, Ruling] = dict(_read(file)) if file and file.is_file() else {}

    def get(self, key: str) -> Ruling | None:
        return self._known.get(key)

    def add(self, key: str, ruling: Ruling) -> None:
        """Keeps a verdict, in the file too before this returns."""
        self._known[key] = ruling
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"key": key, **ruling._asdict()}, ensure_ascii=False) + "\n")


class ModelJudge:
    """A judge over any LangChain chat model, asked at temperature 0."""

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        hidden: tuple[str, ...] = (),
        price: Price | None = None,
        verdicts: Verdicts | None = None,
    ) -> None:
        self._model, self.name = model, name
        self._hidden = re.compile("|".join(map(re.escape, hidden)) or r"(?!)", re.IGNORECASE)
        """Names of systems and vendors, which the judge must not read."""
        self._price = price or Price()
        self._verdicts = verdicts or Verdicts()
        self.spent = Spent()

    def decide(self, criterion: Criterion, case: Case, answer: str) -> Ruling:
        """The verdict on one criterion; `unscored`, with the cause, where there is none that holds."""
        prompt = self.prompt(criterion, case, answer)
        key = hashlib.sha256(f"{self.name}\n{criterion.id}\n{prompt}".encode()).hexdigest()
        known = self._verdicts.get(key)
        if known:
            self.spent = self.spent.model_copy(update={"from_cache": self.spent.from_cache + 1})
            return known
        try:
            message = self._model.invoke([HumanMessage(prompt)], temperature=0)
        except Exception as error:  # noqa: BLE001  # whatever fails at a provider, a verdict is missing
            return Ruling("unscored", f"The judge could not be asked ({type(error).__name__}).")
        self._count(message)
        ruling = _ruling(str(message.text), self._shown(answer))
        self._verdicts.add(key, ruling)
        return ruling

    def prompt(self, criterion: Criterion, case: Case, answer: str) -> str:
        """What the model is asked. The code of the marks follows from all that stands between them."""
        material = {
            "question": self._shown("\n\n".join(turn.text for turn in case.turns)),
            "reference": self._shown(case.gold.reference),
            "answer": self._shown(answer),
            "criterion": criterion.text,
        }
        code = hashlib.sha256(json.dumps(material, sort_keys=True).encode()).hexdigest()
        return self._template.substitute(material, code=code[:_CODE_LENGTH])

    @cached_property
    def prompt_hash(self) -> str:
        """Which prompt was asked: a judge card is stale when it changes."""
        return hashlib.sha256(self._template.template.encode()).hexdigest()

    @cached_property
    def _template(self) -> Template:
        return Template(PROMPT.read_text("utf-8"))

    def _shown(self, text: str) -> str:
        return self._hidden.sub("the assistant", plain(text))

    def _count(self, message: BaseMessage) -> None:
        usage = getattr(message, "usage_metadata", None) or {}
        given, written = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        cost = (given * self._price.input_usd + written * self._price.output_usd) / 1_000_000
        self.spent = Spent(
            calls=self.spent.calls + 1,
            from_cache=self.spent.from_cache,
            input_tokens=self.spent.input_tokens + given,
            output_tokens=self.spent.output_tokens + written,
            cost_usd=self.spent.cost_usd + cost,
        )


class ScriptedJudge:
    """A judge that gives the verdicts it was told to, for trials without a model."""

    def __init__(self, verdicts: Mapping[str, Ruling]) -> None:
        self._verdicts = verdicts

    def decide(self, criterion: Criterion, case: Case, answer: str) -> Ruling:  # noqa: ARG002
        """The verdict told for this criterion; `unscored` where none was."""
        told = self._verdicts.get(criterion.id)
        return told or Ruling("unscored", f"Nothing was told of '{criterion.id}' in {case.id}.")


def plain(text: str) -> str:
    """The text without markup, and unable to write a mark, a role or a verdict of the prompt."""
    bare = _MARKUP.sub("", _BULLET.sub("- ", _INVISIBLE.sub("", text)))
    return _BLANK.sub("\n\n", bare.translate(_MARKS)).strip()


def _ruling(reply: str, answer: str) -> Ruling:
    opinion = next(_opinions(reply), None)
    if opinion is None:
        return Ruling("unscored", "The judge gave no verdict that can be read.")
    verdict = _ANSWERS[opinion.verdict]
    quote = opinion.quote.strip()
    reason = opinion.reason.strip() or "The judge gave no reason."
    if quote and Text(quote).flat.strip() not in Text(answer).flat:
        return Ruling("unscored", "The judge quoted words that do not stand in the answer.")
    if verdict == "met" and not quote:
        return Ruling("unscored", "The judge called it met and quoted nothing.")
    return Ruling(verdict, reason, quote or None)


def _opinions(reply: str) -> Iterator[_Opinion]:
    """The verdicts of a reply, the last first."""
    for found in reversed(_OBJECT.findall(reply)):
        try:
            data = json.loads(found)
            yield _Opinion.model_validate(
                {**data, "verdict": str(data["verdict"]).replace("_", " ")}
            )
        except (ValueError, KeyError, TypeError):
            continue


def _read(file: Path) -> Iterator[tuple[str, Ruling]]:
    """The verdicts of a file; a last line that was cut off is asked again."""
    for _, line in lines_of(file.read_text("utf-8")):
        try:
            data = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield data["key"], Ruling(data["verdict"], data["reason"], data["quote"])
