"""The one folder that holds everything the product writes, and who owns it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import json
import os
from pathlib import Path
import secrets
import time
from typing import Self

from filelock import FileLock, Timeout

_OWNER = "owner.json"


class HomeError(Exception):
    """The home can't be used; the text says why and what to do."""


class HomeOwnedError(HomeError):
    """Another process owns the home; `url` is where it serves, if it does."""

    def __init__(self, home: Path, pid: int | None, url: str | None) -> None:
        where = f" and serves at {url}" if url else ""
        super().__init__(
            f"The home {home} is owned by process {pid or 'unknown'}{where}. "
            "Stop it, go through it, or name another home with COPILOT_HOME."
        )
        self.pid = pid
        self.url = url


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the home. Two homes never touch."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """The home at `path`, made if it is not there."""
        resolved = path.expanduser().absolute()
        try:
            resolved.mkdir(parents=True, exist_ok=True)
            resolved.chmod(0o700)
        except OSError as error:
            raise HomeError(
                f"The home {resolved} can't be made or used: {error.strerror}. "
                "Name another folder with COPILOT_HOME."
            ) from error
        return cls(resolved)

    @property
    def index(self) -> Path:
        return self.path / "index"

    @property
    def vectors(self) -> Path:
        return self.path / "vectors"

    @property
    def records_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.path / 'records.sqlite'}"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints.sqlite"

    def digest_key(self) -> bytes:
        """A random key of this home: hashes of messages made with it can't be guessed from outside."""
        file = self.path / "digest.key"
        if not file.exists():
            fresh = file.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(secrets.token_bytes(32))
            fresh.chmod(0o600)
            try:
                os.link(fresh, file)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return file.read_bytes()

    @contextmanager
    def owned(self, *, url: str | None = None, wait_seconds: float = 0.0) -> Iterator[None]:
        """Own the home while the block runs, or raise `HomeOwnedError`.

        `url` tells others where to ask instead. A short-lived owner without one is waited for.
        """
        lock = FileLock(self.path / "owner.lock")
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                lock.acquire(timeout=0.05)
                break
            except Timeout:
                pid, owner_url = self.owner()
                if owner_url or time.monotonic() >= deadline:
                    raise HomeOwnedError(self.path, pid, owner_url) from None
        try:
            self._announce(url)
            yield
        finally:
            (self.path / _OWNER).unlink(missing_ok=True)
            lock.release()

    def _announce(self, url: str | None) -> None:
        draft = self.path / f"{_OWNER}.{os.getpid()}"
        draft.write_text(json.dumps({"pid": os.getpid(), "url": url}), "utf-8")
        draft.replace(self.path / _OWNER)

    def owner(self) -> tuple[int | None, str | None]:
        """Process id and address of the owner, as far as it announced them."""
        try:
            told = json.loads((self.path / _OWNER).read_text("utf-8"))
            return int(told["pid"]), told["url"]
        except (OSError, ValueError, KeyError, TypeError):
            return None, None
