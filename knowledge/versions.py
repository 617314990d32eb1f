"""Index versions in a folder, the pointer to the one that serves, and who owns what.

<index>/current              the serving version's id, swapped by one rename
<index>/versions/<id>/       a complete version, never changed after it was swapped in
<index>/versions/<id>/memory the ticket memory that it is used with, the one file that may change
<index>/versions/<id>.*      being built or removed; left over only by a crash
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

Stamp = tuple[int, int]
_MEMORY = "memory"


class IndexUnavailableError(Exception):
    """The index can't be used; the message says what to do."""


class IndexOwnedError(IndexUnavailableError):
    """Another process owns it."""


class UnknownVersionError(IndexUnavailableError):
    """No usable version of that id."""


class VersionManifest(BaseModel):
    """What a version says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    number: int
    """Counts up in one index folder: the order in which versions were built."""
    model: str
    """Fingerprint of the embedding model."""
    chunker: str
    corpus: str
    extras: str
    dimensions: int
    articles: int
    passages: int
    sizes: dict[str, int]
    """Bytes of each file except those of Chroma, which may rearrange its own."""


class Version(BaseModel):
    """One line of `copilot index list`."""

    model_config = ConfigDict(frozen=True)

    id: str
    number: int
    articles: int
    passages: int
    current: bool
    damage: str | None
    """What is wrong with it, `None` if it can serve."""
    memory: str | None = None
    """The ticket memory that it is used with, if any."""


def versions_dir(index_dir: Path) -> Path:
    return index_dir / "versions"


def version_dir(index_dir: Path, version: str) -> Path:
    return versions_dir(index_dir) / version


def list_versions(index_dir: Path) -> tuple[Version, ...]:
    """Versions that can be chosen, newest first, with the damaged ones."""
    current = read_pointer(index_dir)
    found = []
    for folder in _complete_folders(index_dir):
        manifest = read_manifest(folder)
        found.append(
            Version(
                id=folder.name,
                number=manifest.number if manifest else 0,
                articles=manifest.articles if manifest else 0,
                passages=manifest.passages if manifest else 0,
                current=folder.name == current,
                damage=damage(folder),
                memory=memory_of(folder),
            )
        )
    return tuple(sorted(found, key=lambda v: (-v.number, v.id)))


def use_version(index_dir: Path, version: str) -> None:
    """Let another version serve. One rename; a running server notices at its next question."""
    folder = version_dir(index_dir, version)
    if version not in {path.name for path in _complete_folders(index_dir)}:
        known = ", ".join(v.id for v in list_versions(index_dir) if v.damage is None) or "none"
        raise UnknownVersionError(f"Index version {version!r} is unknown. Versions here: {known}.")
    problem = damage(folder)
    if problem:
        raise UnknownVersionError(
            f"Index version {version!r} is damaged: {problem}. The serving version stays. "
            "Choose another with `copilot index list`, or build with `copilot index sync`."
        )
    write_pointer(index_dir, version)


def current_dir(index_dir: Path) -> Path:
    """Folder of the serving version, or `IndexUnavailableError`."""
    version = read_pointer(index_dir)
    if version is None:
        raise IndexUnavailableError(
            f"There is no knowledge index in {index_dir}. Build one with `copilot index sync`."
        )
    folder = version_dir(index_dir, version)
    problem = damage(folder) if folder.is_dir() else "its folder is missing"
    if problem:
        raise IndexUnavailableError(
            f"The knowledge index {version} in {index_dir} is damaged: {problem}. Go back with "
            "`copilot index use VERSION` or build again with `copilot index sync`."
        )
    return folder


def damage(folder: Path) -> str | None:
    """What is wrong with a version, as far as can be seen without reading it all."""
    manifest = read_manifest(folder)
    if manifest is None:
        return "its manifest is missing or unreadable"
    if manifest.version != folder.name:
        return f"its manifest names version {manifest.version}"
    for name, size in manifest.sizes.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has {path.stat().st_size} bytes, expected {size}"
    if not _is_sqlite(folder / "chroma" / "chroma.sqlite3"):
        return "its vector store is missing or no database"
    return None


def read_manifest(folder: Path) -> VersionManifest | None:
    try:
        return VersionManifest.model_validate_json((folder / "manifest.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_manifest(folder: Path, manifest: VersionManifest) -> None:
    write_durably(folder / "manifest.json", manifest.model_dump_json(indent=1))


def file_sizes(folder: Path) -> dict[str, int]:
    """Sizes of the files of a version, for its manifest."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.relative_to(folder).parts[0] != "chroma"
        and path.name not in {"manifest.json", _MEMORY, _LOCK, _OWNER}
    }


def next_number(index_dir: Path) -> int:
    return 1 + max((version.number for version in list_versions(index_dir)), default=0)


def read_pointer(index_dir: Path) -> str | None:
    return _named_in(index_dir / "current")


def _named_in(pointer: Path) -> str | None:
    try:
        version = pointer.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return version if version and version.isalnum() else None


def pointer_stamp(index_dir: Path) -> Stamp:
    """Changes when the pointer is swapped. One `stat`."""
    return _stamp(index_dir / "current")


def memory_stamp(folder: Path) -> Stamp:
    """Changes when an index version is used with another memory. One `stat`."""
    return _stamp(folder / _MEMORY)


def _stamp(pointer: Path) -> Stamp:
    try:
        status = pointer.stat()
    except OSError:
        return (0, 0)
    return (status.st_ino, status.st_mtime_ns)


def memory_of(folder: Path) -> str | None:
    """The memory that an index version is used with."""
    return _named_in(folder / _MEMORY)


def state_memory(folder: Path, memory: str | None) -> None:
    """Let an index version be used with a memory. One rename; a server notices with its next question."""
    if memory is None:
        (folder / _MEMORY).unlink(missing_ok=True)
    else:
        write_durably(folder / _MEMORY, f"{memory}\n")


def carry_memory(index_dir: Path, folder: Path) -> None:
    """Use a new index version with the memory of the serving one, if they share the model."""
    serving = version_dir(index_dir, read_pointer(index_dir) or "none")
    before, now = read_manifest(serving), read_manifest(folder)
    if before and now and before.model == now.model:
        state_memory(folder, memory_of(serving))


def write_pointer(index_dir: Path, version: str) -> None:
    write_durably(index_dir / "current", f"{version}\n")


def install(index_dir: Path, building: Path, version: str) -> Path:
    """Give a checked build its place. A damaged version of the same id makes room first."""
    target = version_dir(index_dir, version)
    if target.exists():
        broken = target.with_name(f"{version}.broken")
        shutil.rmtree(broken, ignore_errors=True)
        with owning(target):
            target.replace(broken)
        shutil.rmtree(broken, ignore_errors=True)
    _sync(building)
    building.replace(target)
    _sync_folder(target.parent)
    return target


def prune(index_dir: Path, keep: int) -> tuple[str, ...]:
    """Remove versions beyond the newest `keep`, never the serving one nor one in use."""
    spare = [version for version in list_versions(index_dir) if not version.current]
    removed = []
    for version in spare[max(keep - 1, 0) :]:
        folder = version_dir(index_dir, version.id)
        doomed = folder.with_name(f"{version.id}.removed")
        with suppress(IndexOwnedError), owning(folder):
            folder.replace(doomed)
            removed.append(version.id)
        shutil.rmtree(doomed, ignore_errors=True)
    return tuple(removed)


def remove_leftovers(index_dir: Path) -> None:
    """Clear what a crash left half built or half removed. Call it only as the builder."""
    for path in versions_dir(index_dir).glob("*.*"):
        shutil.rmtree(path, ignore_errors=True)


_LOCK = "owner.lock"
_OWNER = "owner.json"


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Own a folder for a while, or `IndexOwnedError` that names the owner."""
    lock = own(folder)
    try:
        yield
    finally:
        lock.release()


def own(folder: Path) -> FileLock:
    """The lock of a folder, held by this process until released or dead."""
    lock = FileLock(folder / _LOCK, timeout=0, is_singleton=True, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexOwnedError(
            f"The knowledge index in {folder} is in use by process {_owner(folder)}. "
            "Ask through that process, or stop it first."
        ) from error
    except OSError as error:
        raise IndexUnavailableError(
            f"The knowledge index in {folder} can't be locked ({error.strerror}). "
            "Check that the folder may be written."
        ) from error
    with suppress(OSError):
        (folder / _OWNER).write_text(json.dumps({"pid": os.getpid()}), "utf-8")
    return lock


def _owner(folder: Path) -> str:
    try:
        return str(json.loads((folder / _OWNER).read_text("utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def _complete_folders(index_dir: Path) -> list[Path]:
    try:
        return [
            p for p in sorted(versions_dir(index_dir).iterdir()) if p.is_dir() and "." not in p.name
        ]
    except OSError:
        return []


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def write_durably(path: Path, text: str) -> None:
    """Write aside, flush to the disk, and swap by one rename."""
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    _sync_folder(path.parent)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
