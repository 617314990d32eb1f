"""What the agent knows of the company it serves: labels, queues, promises. Data, not code."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from copilot.conversation import Priority
from copilot.hours import WorkingHours
from policies.model import Relation


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """Filled from the company's configuration and articles at the composition root."""

    name: str
    default_queue: str
    sla: Mapping[Priority, str]
    hotline: Mapping[str, str]
    choices: Mapping[str, str]
    """What a clarifying question shows for each `category.subcategory`."""
    owners: Mapping[str, str]
    """Queue that owns each label: the owner of its article."""
    relations: Mapping[str, Relation]
    """Whom each catalogue action concerns."""
    class_actions: Mapping[str, str]
    """Mandatory class of each action that has one."""
    action_labels: Mapping[str, str] = field(default_factory=dict)
    """The `category.subcategory` nearest to each catalogue action."""
    action_titles: Mapping[str, str] = field(default_factory=dict)
    """What each catalogue action is called, for people."""
    lockout_labels: frozenset[str] = frozenset()
    out_of_scope: frozenset[str] = frozenset()
    person_labels: frozenset[str] = frozenset()
    """Labels of messages that ask for a person."""
    status_labels: frozenset[str] = frozenset()
    """Labels of questions about a case."""
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Categories that the opening question offers, each with its words by language."""
    sentences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the policies say in other languages: by language, then by the English sentence."""
    service_hours: str = ""
    desk_hours: WorkingHours = field(default_factory=WorkingHours)
    site_hours: Mapping[str, WorkingHours] = field(default_factory=dict)
    """When people work, by site; the others keep the desk's hours."""
    lockdown: bool = False
    forms: frozenset[str] = frozenset()
    """Ids of the forms that requests are made with."""
    applications: Mapping[str, str] = field(default_factory=dict)
    """Application that a category is about, as the directory names it in `app_versions`."""

    def ruled_in(self, language: str, sentence: str) -> str | None:
        """A sentence of the policies in a language, `None` where it has no translation."""
        return sentence if language == "en" else self.sentences.get(language, {}).get(sentence)

    @property
    def no_topic(self) -> frozenset[str]:
        """Labels that say nothing about what a problem is about."""
        return self.out_of_scope | self.person_labels | self.status_labels

    @property
    def topic_names(self) -> tuple[str, ...]:
        return tuple(self.topics)

    def choice(self, label: str, language: str) -> str:
        """What a question shows for a label or a category."""
        if label in self.topics:
            words = self.topics[label]
            return words.get(language) or words["en"]
        return self.choices[label]

    def hotline_text(self) -> str:
        return numbers_of(self.hotline)


def numbers_of(hotline: Mapping[str, str]) -> str:
    """Telephone numbers by region, as employees read them."""
    return ", ".join(f"{region} {number}" for region, number in hotline.items())
