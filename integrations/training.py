"""What the classifiers learn from: utterances, the action catalogue and the articles' own words."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from copilot.understanding.recogniser import DECLINED, HARMLESS, PERMITTED, TOPIC
from copilot.understanding.recogniser_training import Lessons
from copilot.understanding.training import Sample
from copilot.understanding.utterances import UtteranceError, Utterances
from knowledge.article import Article
from policies.catalogue import Catalogue

CLEAR, AMBIGUOUS = "clear", "ambiguous"
ACTION = "action"
"""The group that the recogniser learns from; see `lessons`."""
_EVERYDAY, _NEAR, _TALK, _OUTSIDE = "none:topic:", "none:near", "none:talk", "none:outside"
_KIND_OF_TIER = {"forbidden": DECLINED}
_SOCIAL = frozenset(
    [
        "thanks",
        "greeting",
        "resolved",
        "cancel",
        "smalltalk",
        "case_status",
        "step_failed",
        "more_info",
    ]
)


def groups(
    utterances: Utterances,
    catalogue: Catalogue,
    articles: Sequence[Article],
    always_escalated: Iterable[str],
    out_of_scope: Collection[str],
) -> Mapping[str, tuple[Sample, ...]]:
    """Labelled texts for each classifier."""
    labels = (*utterances.labels, *_from_articles(articles))
    problems = tuple(s for s in utterances.acts if s.label in ("problem", "question"))
    always = frozenset(always_mandatory(catalogue, always_escalated))
    return {
        "label": tuple(labels),
        ACTION: tuple(_asked(utterances, catalogue, always)),
        "act": _acts(utterances, out_of_scope),
        "tone": utterances.tone,
        "urgency": utterances.urgency,
        "ambiguity": _ambiguity(utterances, problems),
        "language": tuple(
            Sample(s.text, s.language) for s in (*labels, *utterances.acts, *utterances.tone)
        ),
    }


def _from_articles(articles: Sequence[Article]) -> Iterator[Sample]:
    for article in articles:
        if article.category is None or article.subcategory is None:
            continue
        label = f"{article.category}.{article.subcategory}"
        yield Sample(article.title, label)
        for language, aliases in article.aliases.items():
            yield from (Sample(alias, label, language) for alias in aliases)


def lessons(
    samples: tuple[Sample, ...], catalogue: Catalogue, always_escalated: Iterable[str]
) -> Lessons:
    """The samples of the group ACTION with what their labels mean."""
    always = always_mandatory(catalogue, always_escalated)
    kinds = {
        action.id: action.mandatory_class or _KIND_OF_TIER.get(action.tier, PERMITTED)
        for action in catalogue.actions.values()
    }
    kinds |= {f"{TOPIC}{label}": kind for label, kind in always.items()}
    used = {sample.label for sample in samples}
    return Lessons(
        samples,
        {label: kinds.get(label, HARMLESS) for label in used},
        frozenset(label for label in used if label.startswith(_EVERYDAY)),
    )


def _asked(
    utterances: Utterances, catalogue: Catalogue, always: Collection[str]
) -> Iterator[Sample]:
    """What people ask for: actions, topics that always need people, and kinds of harmless messages."""
    for example in catalogue.examples():
        yield Sample(example.text, example.action, example.language)
    for miss in catalogue.near_misses():
        yield Sample(miss.text, _NEAR, miss.language)
    asking = {item.text: item.action for item in utterances.privileged}
    unknown = sorted(set(asking.values()) - set(catalogue.actions))
    if unknown:
        raise UtteranceError(
            f"_privileged.yaml names the actions {', '.join(unknown)}, which the catalogue lacks. "
            "Use ids of the catalogue."
        )
    for s in utterances.labels:
        topic = f"{TOPIC}{s.label}" if s.label in always else _EVERYDAY + s.label.partition(".")[0]
        yield Sample(s.text, asking.get(s.text, topic), s.language)
    yield from (Sample(s.text, _TALK, s.language) for s in utterances.acts if s.label in _SOCIAL)
    yield from (Sample(s.text, _NEAR, s.language) for s in utterances.harmless)
    yield from (Sample(u.text, _OUTSIDE, u.language) for u in utterances.unanswerable)


def always_mandatory(catalogue: Catalogue, labels: Iterable[str]) -> dict[str, str]:
    """The mandatory class of each label whose every message must reach people."""
    found: dict[str, str] = {}
    for label in labels:
        classes = Counter(
            action.mandatory_class
            for action in catalogue.actions.values()
            if action.subcategory == label and action.mandatory_class
        )
        if classes:
            found[label] = classes.most_common(1)[0][0]
    return found


def _acts(utterances: Utterances, out_of_scope: Collection[str]) -> tuple[Sample, ...]:
    """Problems and questions are far more varied than the other acts: topic utterances stand for them.

    The categories of the out-of-scope labels hold talk ("a person, please"), not topics.
    """
    talk = {label.partition(".")[0] for label in out_of_scope}
    every_third: Iterable[Sample] = utterances.labels[::3]
    asked = tuple(
        Sample(s.text, "question" if s.text.rstrip().endswith("?") else "problem", s.language)
        for s in every_third
        if s.label.partition(".")[0] not in talk
    )
    outside = tuple(
        Sample(s.text, "off_topic", s.language)
        for s in utterances.labels
        if s.label in out_of_scope
    )
    return (*utterances.acts, *asked, *outside)


def _ambiguity(utterances: Utterances, problems: Sequence[Sample]) -> tuple[Sample, ...]:
    clear = (*utterances.labels[::8], *problems[::2])
    return (
        *(Sample(a.text, AMBIGUOUS, a.language) for a in utterances.ambiguous),
        *(Sample(s.text, CLEAR, s.language) for s in clear),
    )
