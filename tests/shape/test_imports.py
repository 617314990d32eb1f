"""Importing a package or the command does next to nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shape.sources import PACKAGES, modules

HEAVY = {
    "alembic", "bm25s", "cedarpy", "chromadb", "fastapi", "httpx", "jinja2", "kingfisher_sdk",
    "langchain_core", "langgraph", "numpy", "onnxruntime", "presidio_analyzer", "pydantic", "scipy",
    "sentence_transformers", "sklearn", "spacy", "sqlalchemy", "starlette", "structlog", "torch",
    "transformers", "uvicorn", "yaml",
}  # fmt: skip


@pytest.mark.parametrize("module", [*PACKAGES, "integrations.cli"])
def test_a_bare_import_is_light_and_leaves_no_trace(module: str, tmp_path: Path) -> None:
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    # No variable at all, a folder of its own: what an import reads or writes would show.
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", script],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert HEAVY & set(done.stdout.split()) == set()
    assert list(tmp_path.iterdir()) == []


def test_the_secret_scanner_is_only_ever_asked_to_scan() -> None:
    """Its parts that validate or revoke what they found would call the outside world."""
    named = {
        name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _imported(node)
        if name.startswith("kingfisher_sdk")
    }
    assert named == {"kingfisher_sdk.rules", "kingfisher_sdk.scanner"}


def _imported(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "",)
    return tuple(name.name for name in node.names) if isinstance(node, ast.Import) else ()
