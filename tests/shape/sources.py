"""The product's source files, for the tests of its shape."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("copilot", "evals", "integrations", "knowledge", "policies")


def files(*suffixes: str) -> tuple[Path, ...]:
    """Files of the packages with one of these suffixes, without third-party ones."""
    found = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*")))
    return tuple(path for path in found if path.suffix in suffixes and "vendor" not in path.parts)


def modules() -> tuple[Path, ...]:
    return files(".py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
