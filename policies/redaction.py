"""Secrets out of a text before it is stored, shown, logged or given to a model.

Two detectors work on a view in which evasions by Unicode are undone: Kingfisher's scanner for the
formats of vendors (detection only, in process, no network), and `credentials` for what people type.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path

from kingfisher_sdk.rules import Rules
from kingfisher_sdk.scanner import Scanner

from policies.credentials import Kind, Secret, find_secrets
from policies.folding import fold, hides_tags
from policies.model import Value

MESSAGE_CAP = 16_000
"""Bytes of a message that are read; what follows is dropped unread, so nothing slips through."""

_REPEATED = 6
"""A found value at least this long is also masked where it stands without its keyword."""


class Seen(Value):
    """What a thread has masked so far, so that one secret keeps one placeholder.

    Holds no secret: a mark is a short keyed digest that fits many values.
    """

    salt: str = ""
    marks: tuple[tuple[str, str], ...] = ()
    """(mark, placeholder) in the order of appearance."""


class Redacted(Value):
    text: str
    found: tuple[Kind, ...] = ()
    """The kinds of secrets, each once."""
    count: int = 0
    truncated: bool = False
    seen: Seen = Seen()
    """To be kept with the thread and given with its next message."""


class Redactor:
    """Masks secrets as `[password-1]`; the same secret of a thread gets the same placeholder.

    The scanner's rules are compiled at the first use, or by `warm`; with `cache_dir` they are
    compiled once and read from there afterwards.
    """

    def __init__(self, cache_dir: Path | None = None, *, cap: int = MESSAGE_CAP) -> None:
        self._cache_dir = cache_dir
        self._cap = cap
        self._scanner: Scanner | None = None

    def warm(self) -> None:
        """Load the scanner now rather than with the first message."""
        if self._scanner is None:
            self._scanner = Scanner(_rules(self._cache_dir))

    def redact(self, text: str, seen: Seen | None = None) -> Redacted:
        """The text without secrets. `seen` comes from the thread's last message."""
        kept, truncated = _capped(text, self._cap)
        masked = _merged(self._secrets(kept))
        pieces: list[str] = []
        seen = seen or Seen()
        end = 0
        for secret in masked:
            seen, placeholder = _placeholder(seen, secret.kind, kept[secret.start : secret.end])
            pieces += [kept[end : secret.start], placeholder]
            end = secret.end
        return Redacted(
            text="".join([*pieces, kept[end:]]),
            found=tuple(sorted({secret.kind for secret in masked})),
            count=len(masked),
            truncated=truncated,
            seen=seen,
        )

    def _secrets(self, text: str) -> Iterator[Secret]:
        """Stretches of the original text, from every view of it."""
        views = [fold(text)]
        if hides_tags(text):
            views.append(fold(text, reveal_tags=True))
        for view in views:
            found = [*find_secrets(view.text), *self._scanned(view.text)]
            for secret in [*found, *_repeated(view.text, found)]:
                yield Secret(*view.span(secret.start, secret.end), secret.kind)

    def _scanned(self, text: str) -> Iterator[Secret]:
        self.warm()
        assert self._scanner is not None  # noqa: S101 - warm has just made it
        data = text.encode()
        for finding in self._scanner.scan(data):
            place = finding.location
            start = len(data[: place["start_offset"]].decode())
            length = len(data[place["start_offset"] : place["end_offset"]].decode())
            yield Secret(start, start + length, "token")


def _rules(cache_dir: Path | None) -> Rules:
    if cache_dir is None:
        return Rules(cache=False)
    cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Rules(cache_dir=cache_dir)


def _capped(text: str, cap: int) -> tuple[str, bool]:
    data = text.encode("utf-8", "replace")
    return data[:cap].decode("utf-8", "ignore"), len(data) > cap


def _repeated(text: str, found: Iterable[Secret]) -> Iterator[Secret]:
    for value, kind in {text[each.start : each.end]: each.kind for each in found}.items():
        at = text.find(value) if len(value) >= _REPEATED and not value.isalpha() else -1
        while at >= 0:
            yield Secret(at, at + len(value), kind)
            at = text.find(value, at + len(value))


def _merged(secrets: Iterable[Secret]) -> list[Secret]:
    """Overlapping stretches become one, named after the kind that began it."""
    merged: list[Secret] = []
    for secret in sorted(set(secrets), key=lambda s: (s.start, -s.end, s.kind)):
        if merged and secret.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, secret.end))
        else:
            merged.append(secret)
    return merged


def _placeholder(seen: Seen, kind: Kind, value: str) -> tuple[Seen, str]:
    message = f"{kind}:{fold(value).text}".encode("utf-8", "replace")
    # Short on purpose: enough to tell a thread's few secrets apart, too little to guess one from.
    mark = hmac.new(seen.salt.encode(), message, hashlib.sha256).hexdigest()[:4]
    known = dict(seen.marks)
    if mark not in known:
        number = 1 + sum(placeholder.startswith(f"[{kind}-") for placeholder in known.values())
        known[mark] = f"[{kind}-{number}]"
        seen = seen.model_copy(update={"marks": tuple(known.items())})
    return seen, known[mark]
