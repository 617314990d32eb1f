"""Who writes and who screens: the embedded author, or the chat model of the settings behind the same port."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from copilot.author.assignment import Author
from copilot.author.deterministic import DeterministicAuthor
from copilot.company import CompanyFacts
from copilot.nodes import SecondReading
from copilot.people import Person
from copilot.prompts import instructions
from copilot.prompts.phrases import version as phrases_version
from copilot.screening import Guarded, Screen
from integrations.chat_models import chat_model
from integrations.rulebook import FollowingPolicy
from integrations.telemetry import Counters
from policies.engine import PASSED_ON, Policies

EMBEDDED = "embedded-extractive"
"""What the version tuple names as the model while no chat model writes."""
_CANARY_BYTES = 16


@dataclass(frozen=True, slots=True)
class ChatChoice:
    """The chat model of the settings and its limits, as plain values."""

    name: str | None = None
    seconds: float = 6.0
    retries: int = 1
    max_tokens: int = 1_200


@dataclass(frozen=True, slots=True)
class Writing:
    """Author, second recogniser and screen that belong together, and how the version tuple names them."""

    author: Author
    second: SecondReading | None
    screen: Screen
    model: str
    prompts: str

    @property
    def parts(self) -> tuple[Author, Screen, SecondReading | None]:
        """As the graph's nodes take them."""
        return self.author, self.screen, self.second


def writing(
    choice: ChatChoice,
    policy: FollowingPolicy,
    actions: Mapping[str, str],
    people: Callable[[], Sequence[Person]],
    *,
    leak_words: int,
    counters: Counters,
) -> Writing:
    """Raises `ChatModelError` when the chat model can't be had. Without one, nothing of it is imported."""
    canary = secrets.token_hex(_CANARY_BYTES)
    screen = Screen(
        canary=canary,
        guarded=lambda: _guarded(policy),
        people=people,
        leak_words=leak_words,
    )
    if choice.name is None:
        return Writing(DeterministicAuthor(), None, screen, EMBEDDED, phrases_version())
    from copilot.author.chat import ChatAuthor
    from copilot.chat.client import ChatClient, ChatLimits
    from copilot.chat.requests import SecondReader

    limits = ChatLimits(choice.seconds, choice.retries, choice.max_tokens)
    client = ChatClient(
        chat_model(choice.name), choice.name, limits, canary=canary, tally=counters.model
    )
    return Writing(
        ChatAuthor(client),
        SecondReader(client, actions),
        screen,
        choice.name,
        f"{phrases_version()}+{instructions.version()}",
    )


def sentences_of(policies: Policies, facts: CompanyFacts) -> frozenset[str]:
    """What policies and company say to employees, word for word: for an auditor of replies."""
    actions = policies.catalogue.actions.values()
    said = {action.say for action in actions} | {PASSED_ON}
    said |= {step for action in actions for step in action.safe_steps}
    said |= {rule.reason for rule in policies.rules.values()} | {*facts.choices.values()}
    offered = (words.values() for words in facts.topics.values())
    return frozenset(said.union(*(own.values() for own in facts.sentences.values()), *offered))


def _guarded(policy: FollowingPolicy) -> Guarded:
    """Prompts and rules: a reply may follow them, and may not read them out."""
    rules = policy.policies.rules.values()
    return Guarded(policy.version, (*instructions.texts(), *(rule.cedar for rule in rules)))
