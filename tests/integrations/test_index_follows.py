"""An index of an earlier version of the product, and texts that changed since it was made."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from integrations.company import load_company, shipped_company
from knowledge.versions import read_pointer, version_dir
from tests.serving import reworded_articles, served
from tests.terminal import Done, run

VPN = "My VPN says certificate validation failure"
OLD = "0ld0ld0ld0ld"


def ask(home: Path, **settings: str) -> Done:
    return run("ask", "--json", "--home", home, "--user", "dana.reed", VPN, settings=settings)


def version_now(home: Path) -> str:
    return read_pointer(home / "index") or ""


def changed_json(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def changed_arrays(file: Path, **values: Any) -> None:
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(file, **{**arrays, **{name: np.array(value) for name, value in values.items()}})
    changed_json(
        file.with_name("manifest.json"),
        sizes={
            **json.loads(file.with_name("manifest.json").read_text("utf-8"))["sizes"],
            file.name: file.stat().st_size,
        },
    )


def of_another_model(folder: Path) -> None:
    changed_json(folder / "manifest.json", model="0123456789abcdef")


def with_other_classifiers(folder: Path) -> None:
    changed_arrays(folder / "classifiers.npz", fingerprint="0123456789abcdef")


def with_other_cues(folder: Path) -> None:
    changed_arrays(folder / "classifiers.npz", **{"recogniser.cues": "0123456789abcdef"})


def with_another_manifest(folder: Path) -> None:
    changed_json(folder / "manifest.json", shelf="of the version before")


def make_old(home: Path, change: Callable[[Path], None]) -> None:
    """Let a version serve that an earlier product would have made under another id."""
    folder = version_dir(home / "index", version_now(home))
    (home / "index" / "origin.json").unlink()
    old = folder.rename(folder.with_name(OLD))
    confidence = old / "confidence.json"
    changed_json(confidence, fingerprint=OLD)
    changed_json(old / "manifest.json", version=OLD)
    sizes = json.loads((old / "manifest.json").read_text("utf-8"))["sizes"]
    changed_json(
        old / "manifest.json", sizes={**sizes, "confidence.json": confidence.stat().st_size}
    )
    (home / "index" / "current").write_text(f"{OLD}\n", "utf-8")
    change(old)


@pytest.mark.soak
@pytest.mark.parametrize(
    "change", [of_another_model, with_other_classifiers, with_other_cues, with_another_manifest]
)
def test_an_index_of_an_earlier_version_is_built_again(
    home: Path, change: Callable[[Path], None]
) -> None:
    fresh = version_now(home)
    make_old(home, change)
    done = ask(home)
    assert done.code == 0, done.err
    assert done.data["disposition"] == "answer"
    assert "Building the knowledge index again: it" in done.err
    assert version_now(home) == fresh
    assert "Building" not in ask(home).err


@pytest.mark.soak
def test_what_can_not_be_built_again_is_a_sentence_and_changes_nothing(
    home: Path, tmp_path: Path
) -> None:
    make_old(home, with_other_cues)
    company = a_company(tmp_path)
    next((company / "articles").rglob("[!R]*.md")).write_text("no front matter", "utf-8")
    done = ask(home, COPILOT_COMPANY_DIR=str(company))
    assert (done.code, done.out) == (4, "")
    assert "problem in the knowledge base. Mend" in done.err
    assert version_now(home) == OLD


def test_a_model_of_another_name_is_not_taken_for_an_earlier_version(home: Path) -> None:
    make_old(home, with_other_classifiers)
    origin = {"model": "/srv/models/another"}
    (home / "index" / "origin.json").write_text(json.dumps(origin), "utf-8")
    done = ask(home)
    assert (done.code, done.out) == (4, "")
    assert "Run `copilot index sync`." in done.err
    assert version_now(home) == OLD


def a_company(folder: Path) -> Path:
    """The shipped company with one article reworded, in a folder of its own."""
    shipped = load_company(shipped_company())
    company = folder / "company"
    company.mkdir()
    (company / "directory.yaml").write_bytes((shipped.folder / "directory.yaml").read_bytes())
    for name in ("utterances", "actions", "rules"):
        (company / name).symlink_to(getattr(shipped, name))
    reworded_articles(company / "articles")
    told = yaml.safe_load((shipped.folder / "company.yaml").read_text("utf-8"))
    told["paths"] = {"actions": "actions", "rules": "rules"}
    (company / "company.yaml").write_text(yaml.safe_dump(told), "utf-8")
    return company


@pytest.mark.soak
def test_a_starting_server_takes_in_what_changed(home: Path, tmp_path: Path) -> None:
    before = version_now(home)
    company = a_company(tmp_path)
    settings = {"COPILOT_COMPANY_DIR": str(company)}
    done = ask(home, **settings)
    assert "has changed. Take it in with `copilot index sync`." in done.err
    assert version_now(home) == before
    with served(home, tmp_path / "log", **settings):
        after = version_now(home)
        assert ask(home).data["versions"]["knowledge"] == after  # type: ignore[index]
    assert "has changed; taking it in" in (tmp_path / "log").read_text("utf-8")
    assert after != before
    assert "has changed" not in ask(home, **settings).err

    # Rolled back is rolled back, and a broken article leaves the old index serving.
    assert run("index", "use", before, "--home", home).code == 0
    with served(home, tmp_path / "log", **settings):
        assert version_now(home) == before
    next((company / "articles").rglob("[!R]*.md")).write_text("no front matter", "utf-8")
    with served(home, tmp_path / "log", **settings):
        assert version_now(home) == before
    assert "It can't be taken in, so the index serves as it is." in (tmp_path / "log").read_text(
        "utf-8"
    )
