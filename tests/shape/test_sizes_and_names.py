"""Small functions and modules, telling names, no mocks, and no company in the code."""

import re

from tests.shape.sources import ROOT, files, functions, modules, name_of

LINES_OF_A_FUNCTION, LINES_OF_A_MODULE = 50, 400
VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|misc|common)(?:_|$)")
VAGUE_CLASS = re.compile(r"(?:Utils?|Helpers?|Manager)$")
REFERENCE_COMPANY = "lark" + "field"


def test_no_function_is_long() -> None:
    long = [
        f"{name_of(path)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in modules()
        if "migrations" not in path.parts  # a migration lists a schema as it was
        for node in functions(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_no_module_is_long() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {n: length for n, length in lengths.items() if length > LINES_OF_A_MODULE} == {}


def test_nothing_is_named_vaguely() -> None:
    stems = [name_of(path) for path in modules() if VAGUE.search(path.stem)]
    folders = [name_of(p.parent) for p in modules() if VAGUE.search(p.parent.name)]
    classes = [
        f"{name_of(path)} {name}"
        for path in modules()
        for name in re.findall(r"^class (\w+)", path.read_text("utf-8"), re.MULTILINE)
        if VAGUE_CLASS.search(name)
    ]
    assert [*stems, *folders, *classes] == []


def test_nothing_is_mocked() -> None:
    banned = re.compile(
        r"^\s*(?:import|from)\s+(?:unittest(?:\.mock)?|mock|pytest_mock)\b", re.MULTILINE
    )
    every = [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]
    assert [name_of(path) for path in every if banned.search(path.read_text("utf-8"))] == []


def test_no_code_names_the_reference_company() -> None:
    code = files(".py", ".html", ".js", ".css", ".cedar", ".cedarschema")
    naming = [p for p in code if REFERENCE_COMPANY in p.read_text("utf-8").casefold()]
    assert [name_of(path) for path in naming] == []


def test_what_the_agent_ships_names_no_company() -> None:
    """The agent's own word lists and sentences serve every company alike."""
    data = [path for path in files(".yaml") if path.is_relative_to(ROOT / "copilot")]
    naming = [p for p in data if REFERENCE_COMPANY in p.read_text("utf-8").casefold()]
    assert [name_of(path) for path in naming] == []
