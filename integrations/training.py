"""What the classifiers learn from: utterances, the action catalogue and the articles' own words."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from copilot.understanding.reader import NO_ACTION
from copilot.understanding.training import Sample
from copilot.understanding.utterances import Utterances
from knowledge.article import Article
from policies.catalogue import Catalogue

CLEAR, AMBIGUOUS = "clear", "ambiguous"


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
    always = always_mandatory(catalogue, always_escalated)
    harmless = _harmless(utterances, catalogue)
    return {
        "label": tuple(labels),
        "action": (*_actions(catalogue), *harmless),
        "mandatory": (*_mandatory(catalogue, utterances, always), *harmless),
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


def _actions(catalogue: Catalogue) -> Iterator[Sample]:
    for example in catalogue.examples():
        yield Sample(example.text, example.action, example.language)
    for miss in catalogue.near_misses():
        yield Sample(miss.text, NO_ACTION, miss.language)


def _mandatory(
    catalogue: Catalogue, utterances: Utterances, always: Mapping[str, str]
) -> Iterator[Sample]:
    for example in catalogue.examples():
        own = catalogue.actions[example.action].mandatory_class
        yield Sample(example.text, own or NO_ACTION, example.language)
    for miss in catalogue.near_misses():
        yield Sample(miss.text, NO_ACTION, miss.language)
    for sample in utterances.labels:
        if sample.label in always:
            yield Sample(sample.text, always[sample.label], sample.language)


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


def _harmless(utterances: Utterances, catalogue: Catalogue) -> tuple[Sample, ...]:
    """Messages on topics that no mandatory action belongs to, and talk that asks for nothing."""
    touchy = {action.subcategory for action in catalogue.actions.values() if action.mandatory_class}
    social = (
        "thanks",
        "greeting",
        "resolved",
        "cancel",
        "smalltalk",
        "case_status",
        "step_failed",
        "more_info",
    )
    return (
        *(
            Sample(s.text, NO_ACTION, s.language)
            for s in utterances.labels
            if s.label not in touchy
        ),
        *(Sample(s.text, NO_ACTION, s.language) for s in utterances.acts if s.label in social),
        *(Sample(u.text, NO_ACTION, u.language) for u in utterances.unanswerable),
    )


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
