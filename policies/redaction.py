"""Secrets and personal data out of a text before it is stored, shown, logged or given to a model.

Three detectors work on a view in which evasions by Unicode are undone: Kingfisher's scanner for the
formats of vendors (detection only, in process, no network), `credentials` for what people type, and
`personal` for cards, accounts, numbers and private addresses.
"""

import hashlib
import hmac
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kingfisher_sdk.rules import Rules
from kingfisher_sdk.scanner import Scanner

from policies.credentials import Kind, Secret, find_secrets
from policies.folding import fold, hides_tags
from policies.model import Value
from policies.personal import Datum, Known, PersonalData, PersonalKind

Found = Secret | Datum

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
    personal: tuple[PersonalKind, ...] = ()
    """The kinds of personal data, each once; nobody has to change those."""
    count: int = 0
    truncated: bool = False
    seen: Seen = Seen()
    """To be kept with the thread and given with its next message."""


class Redactor:
    """Masks secrets as `[password-1]`; the same secret of a thread gets the same placeholder.

    The detectors are loaded at the first use, or by `warm`. No text passes before they are: who
    comes first waits. With `cache_dir` the scanner's rules are compiled once and read from there.
    """

    def __init__(
        self, cache_dir: Path | None = None, known: Known | None = None, *, cap: int = MESSAGE_CAP
    ) -> None:
        self._cache_dir = cache_dir
        self._known = known or Known()
        self._cap = cap
        self._loading = threading.Lock()
        self._detectors: _Detectors | None = None

    def know(self, known: Known) -> None:
        """From now on, go by this. It may wait for the detectors to load: call it from a thread."""
        with self._loading:
            self._known = known
            if self._detectors is not None:
                personal = self._detectors.personal.knowing(known)
                self._detectors = self._detectors._replace(personal=personal)

    @property
    def is_warm(self) -> bool:
        return self._detectors is not None

    def warm(self) -> None:
        """Load the detectors now rather than with the first message. Safe from any thread."""
        self._loaded()

    def warm_soon(self) -> None:
        """Load the detectors in a thread; a failure there is raised by the first message."""
        threading.Thread(target=self._loaded_quietly, name="redactor").start()

    def _loaded_quietly(self) -> None:
        with suppress(Exception):
            self._loaded()

    def _loaded(self) -> "_Detectors":
        with self._loading:
            if self._detectors is None:
                scanner = Scanner(_rules(self._cache_dir))
                self._detectors = _Detectors(scanner, PersonalData(self._known))
            return self._detectors

    def redact(
        self, text: str, seen: Seen | None = None, *, names_but: str | None = None
    ) -> Redacted:
        """The text without secrets and personal data. `seen` comes from the thread's last message.

        With `names_but`, an id of the directory, the names of everybody else go as well.
        """
        kept, truncated = _capped(text, self._cap)
        masked = self.find(kept, names_but=names_but)
        pieces: list[str] = []
        seen = seen or Seen()
        end = 0
        for secret in masked:
            seen, placeholder = _placeholder(seen, secret.kind, kept[secret.start : secret.end])
            pieces += [kept[end : secret.start], placeholder]
            end = secret.end
        return Redacted(
            text="".join([*pieces, kept[end:]]),
            found=tuple(sorted({each.kind for each in masked if isinstance(each, Secret)})),
            personal=tuple(sorted({each.kind for each in masked if isinstance(each, Datum)})),
            count=len(masked),
            truncated=truncated,
            seen=seen,
        )

    def find(self, text: str, *, names_but: str | None = None) -> list[Found]:
        """The stretches that `redact` replaces, in order; they do not overlap."""
        return _merged(self._found(text, names_but))

    def _found(self, text: str, names_but: str | None) -> Iterator[Found]:
        """Stretches of the original text, from every view of it."""
        detectors = self._loaded()
        views = [fold(text)]
        if hides_tags(text):
            views.append(fold(text, reveal_tags=True))
        for view in views:
            found = [*find_secrets(view.text), *_scanned(detectors.scanner, view.text)]
            for secret in [*found, *_repeated(view.text, found)]:
                yield Secret(*view.span(secret.start, secret.end), secret.kind)
            for datum in detectors.personal.find(view.text, names_but=names_but):
                yield Datum(*view.span(datum.start, datum.end), datum.kind)


class _Detectors(NamedTuple):
    scanner: Scanner
    personal: PersonalData


def _scanned(scanner: Scanner, text: str) -> Iterator[Secret]:
    data = text.encode()
    for finding in scanner.scan(data):
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


def _merged(found: Iterable[Found]) -> list[Found]:
    """Overlapping stretches become one, named after the secret in it, else after what began it."""
    merged: list[Found] = []
    for each in sorted(set(found), key=lambda s: (s.start, -s.end, s.kind)):
        if merged and each.start < merged[-1].end:
            merged[-1] = _joined(merged[-1], each)
        else:
            merged.append(each)
    return merged


def _joined(first: Found, second: Found) -> Found:
    end = max(first.end, second.end)
    if isinstance(first, Datum) and isinstance(second, Secret):
        return Secret(first.start, end, second.kind)
    return first._replace(end=end)


def _placeholder(seen: Seen, kind: Kind | PersonalKind, value: str) -> tuple[Seen, str]:
    message = f"{kind}:{fold(value).text}".encode("utf-8", "replace")
    # Short on purpose: enough to tell a thread's few secrets apart, too little to guess one from.
    mark = hmac.new(seen.salt.encode(), message, hashlib.sha256).hexdigest()[:4]
    known = dict(seen.marks)
    if mark not in known:
        number = 1 + sum(placeholder.startswith(f"[{kind}-") for placeholder in known.values())
        known[mark] = f"[{kind}-{number}]"
        seen = seen.model_copy(update={"marks": tuple(known.items())})
    return seen, known[mark]
