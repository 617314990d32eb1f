"""What the README says exists: every setting has a line, and every command runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.settings import Settings
from tests.shape.sources import ROOT

README = (ROOT / "README.md").read_text("utf-8")
COPILOT = Path(sys.executable).with_name("copilot")
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:copilot|make) [^`]+)`")
_WORD = re.compile(r"[a-z][a-z-]*")


def commands(program: str) -> list[tuple[str, ...]]:
    """Commands of this program in blocks and in running text, without what varies."""
    lines = [
        line.removeprefix("$ ").strip()
        for block in _BLOCK.findall(README)
        for line in block.splitlines()
        if line.strip()
    ]
    parts = [shlex.split(line, comments=True) for line in (*lines, *_INLINE.findall(README))]
    # Variables may stand before a command: `COPILOT_HOME=/srv/copilot copilot serve`.
    bare = [[*part] for part in parts]
    for part in bare:
        while part and re.fullmatch(r"[A-Z_]+=.*", part[0]):
            part.pop(0)
    return sorted({tuple(part) for part in bare if part and part[0] == program})


def subcommand(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """`index use VERSION` names `index use`; `ask TEXT` names `ask`."""
    groups = {"access", "index", "kb", "policy", "slack", "tickets"}
    if not arguments or arguments[0].startswith("-"):
        return ()
    if arguments[0] in groups and len(arguments) > 1 and _WORD.fullmatch(arguments[1]):
        return arguments[:2]
    return arguments[:1]


COPILOT_COMMANDS = sorted({subcommand(found[1:]) for found in commands("copilot")})
TARGETS = sorted({word for found in commands("make") for word in found[1:] if "=" not in word})


def test_the_readme_shows_commands() -> None:
    assert ("ask",) in COPILOT_COMMANDS, "The README shows no `copilot ask` in a console block."
    assert {"run", "test"} <= set(TARGETS), "The README does not show `make run` and `make test`."


@pytest.mark.parametrize("words", COPILOT_COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_exists(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [COPILOT, *words, "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"README.md names `copilot {' '.join(words)}`: {done.stderr}"


@pytest.mark.parametrize("found", commands("copilot"), ids=" ".join)
def test_the_options_that_the_readme_shows_exist(found: tuple[str, ...]) -> None:
    words = subcommand(found[1:])
    done = subprocess.run(
        [COPILOT, *words, "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    shown = {option for word in found for option in re.findall(r"--[a-z-]+", word)}
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    assert shown <= known, f"README.md shows unknown options in `{' '.join(found)}`."


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_of_the_readme_exists(target: str) -> None:
    done = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"README.md names `make {target}`: {done.stderr}"


def test_every_setting_has_a_line_in_the_readme() -> None:
    rows = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    told = set(re.findall(r"COPILOT_[A-Z_]+", rows))
    settings = {f"COPILOT_{name.upper()}" for name in Settings.model_fields}
    assert settings - told == set(), "Add a row to the README's table of settings."
    assert told - settings == set(), "The README's table names settings that do not exist."


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_is_in_the_readme() -> None:
    from integrations.cli import main

    named = {words[0] for words in COPILOT_COMMANDS if words}
    assert set(main.commands) - named == set(), "Add the command to the README's table."
