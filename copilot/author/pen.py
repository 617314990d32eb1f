"""The pen of the author without a model: each line it writes carries the passage it stands on."""

from copilot.author.draft import Statement
from copilot.author.outline import plain
from copilot.conversation import Citation
from copilot.prompts.phrases import Phrases
from knowledge.article import Article


class Pen:
    """Collects the statements of one part, each with its citation."""

    def __init__(self, article: Article, phrases: Phrases, part: int) -> None:
        self.statements: list[Statement] = []
        self.phrases = phrases
        self._article = article
        self._part = part

    @property
    def quoted(self) -> bool:
        return any(statement.kind == "quote" for statement in self.statements)

    @property
    def quotes(self) -> frozenset[str]:
        """What was quoted so far, as it stands in the article."""
        return frozenset(s.citation.quote for s in self.statements if s.citation)

    def head(self, key: str, **values: object) -> None:
        self.statements.append(
            Statement(self.phrases.say(key, **values), part=self._part, needs_next=True)
        )

    def line(self, key: str, **values: object) -> None:
        """A sentence of the copilot's own."""
        self.statements.append(Statement(self.phrases.say(key, **values), part=self._part))

    def quote(self, text: str, section: str, *, shown: str | None = None) -> None:
        """`text` as it stands in the section; `shown` is how it appears (numbered, bulleted)."""
        citation = Citation(
            article_id=self._article.id,
            title=self._article.title,
            section=section,
            quote=plain(text),
            reviewed_on=self._article.reviewed_on.isoformat(),
            version=self._article.version,
        )
        self.statements.append(Statement(shown or plain(text), "quote", citation, self._part))

    def source(self) -> None:
        line = self.phrases.say(
            "source",
            title=self._article.title,
            article_id=self._article.id,
            reviewed_on=self._article.reviewed_on.isoformat(),
        )
        self.statements.append(Statement(line, part=self._part))
