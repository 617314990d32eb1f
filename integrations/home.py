"""The one folder that holds everything the product writes, and who owns it."""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

CLASSIFIERS_FILE = "classifiers.npz"
"""Name of the trained classifiers in an index version's folder."""
_OWNER = "owner.json"
_KEY_BYTES = 32


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
            raise _unusable(resolved, error) from error
        return cls(resolved)

    @property
    def index(self) -> Path:
        return self.path / "index"

    @property
    def vectors(self) -> Path:
        return self.path / "vectors"

    @property
    def records_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.records}"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints.sqlite"

    @property
    def jobs_url(self) -> str:
        """Where what Slack sent waits to be worked on."""
        return f"sqlite:///{self.path / 'jobs.sqlite'}"

    @property
    def ingress_lock(self) -> Path:
        """Held by the one process that takes Slack's deliveries."""
        return self.path / "ingress.lock"

    @property
    def ingress_pid(self) -> Path:
        return self.path / "ingress.pid"

    @property
    def installations(self) -> Path:
        """The workspaces that installed the app themselves, with their tokens."""
        return self.path / "installations.sqlite"

    @property
    def server_token(self) -> Path:
        """What this home's own commands show to its server; whoever can read it owns the home."""
        return self.path / "server.token"

    def keep_server_token(self, token: str) -> None:
        """For this user's eyes alone, and from the first byte on."""
        draft = self.path / f"server.token.{os.getpid()}"
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(
                os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w"
            ) as file:
                file.write(token)
            draft.replace(self.server_token)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def read_server_token(self) -> str | None:
        """`None` where its server asks for none."""
        try:
            return self.server_token.read_text("utf-8").strip() or None
        except OSError:
            return None

    @property
    def records(self) -> Path:
        return self.path / "records.sqlite"

    def digest_key(self) -> bytes:
        """A random key of this home: hashes of messages made with it can't be guessed from outside."""
        file = self.path / "digest.key"
        try:
            if not file.exists():
                self._make_key(file)
            key = file.read_bytes()
        except OSError as error:
            raise _unusable(self.path, error) from error
        if len(key) != _KEY_BYTES:
            raise HomeError(
                f"The key {file} is damaged. Restore it from a backup, or remove it: then ids of earlier "
                "messages can't be repeated."
            )
        return key

    def _make_key(self, file: Path) -> None:
        fresh = file.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_bytes(secrets.token_bytes(_KEY_BYTES))
            fresh.chmod(0o600)
            with suppress(FileExistsError):
                os.link(fresh, file)
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def owned(self, *, url: str | None = None, wait_seconds: float = 0.0) -> Iterator[None]:
        """Own the home while the block runs, or raise `HomeOwnedError`.

        `url` tells others where to ask instead. A short-lived owner without one is waited for.
        """
        lock = FileLock(self.path / "owner.lock")
        self._acquire(lock, time.monotonic() + wait_seconds)
        try:
            self._announce(url)
            yield
        finally:
            with suppress(OSError):
                (self.path / _OWNER).unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock, deadline: float) -> None:
        while True:
            try:
                lock.acquire(timeout=0.05)
            except Timeout:
                pid, url = self.owner()
                if url or time.monotonic() >= deadline:
                    raise HomeOwnedError(self.path, pid, url) from None
            except OSError as error:
                raise _unusable(self.path, error) from error
            else:
                return

    def is_owned(self) -> bool:
        """Whether a living process owns the home now."""
        lock = FileLock(self.path / "owner.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _announce(self, url: str | None) -> None:
        draft = self.path / f"{_OWNER}.{os.getpid()}"
        try:
            draft.write_text(json.dumps({"pid": os.getpid(), "url": url}), "utf-8")
            draft.replace(self.path / _OWNER)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def owner(self) -> tuple[int | None, str | None]:
        """Process id and address of the owner, as far as it announced them and still lives."""
        try:
            told = json.loads((self.path / _OWNER).read_text("utf-8"))
            pid, url = int(told["pid"]), told["url"]
        except (OSError, ValueError, KeyError, TypeError):
            return None, None
        return (pid, url) if _is_alive(pid) else (None, None)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _unusable(path: Path, error: OSError) -> HomeError:
    reason = (error.strerror or type(error).__name__).lower()
    return HomeError(
        f"The home {path} can't be made or written: {reason}. Give this user the right to write "
        "there and some free disk, or name another folder with COPILOT_HOME."
    )
