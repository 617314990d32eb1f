"""Every fault of a file that experts edit is listed at once, with its line."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from integrations.datafile import DataFileError, read


class Shelf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    books: tuple[dict[str, int], ...] = ()


def problems(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "shelf.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataFileError) as said:
        read(path).read_as(Shelf)
    assert str(said.value) == "\n".join(said.value.problems)
    return [problem.removeprefix(f"{tmp_path}/") for problem in said.value.problems]


def test_every_fault_is_listed_with_its_line(tmp_path):
    text = "colour: red\nbooks:\n  - {pages: 12}\n  - pages: many\n"
    assert problems(tmp_path, text) == [
        "shelf.yaml:1: name: The key is missing. Add it.",
        (
            "shelf.yaml:4: books.1.pages: Input should be a valid integer, unable to parse string as an "
            "integer (given: 'many')."
        ),
        "shelf.yaml:1: colour: The key is unknown. Check its spelling or remove it.",
    ]


def test_a_key_that_is_there_twice_is_a_fault(tmp_path):
    assert problems(tmp_path, "name: a\nbooks: []\nname: b\n") == [
        "shelf.yaml:3: name: The key is there twice. Keep one of the two."
    ]


def test_what_is_not_yaml_is_said_with_its_line(tmp_path):
    (problem,) = problems(tmp_path, "name: a\nbooks: [\n")
    assert problem.startswith("shelf.yaml:3: The file is not YAML: ")
    (problem,) = problems(tmp_path, "name: \x07\n")
    assert problem == (
        "shelf.yaml:1: The file is not YAML: it holds a character that YAML does not allow."
    )


def test_other_bytes_than_utf8_are_said(tmp_path):
    assert problems(tmp_path, "name: Müller\n".encode("latin-1")) == [
        "shelf.yaml:1: The file is not UTF-8. Save it as UTF-8."
    ]


def test_an_empty_file_is_a_fault(tmp_path):
    (problem,) = problems(tmp_path, "# nothing\n")
    assert problem.startswith("shelf.yaml:1: Input should be a valid dictionary")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(
        DataFileError, match=r"absent\.yaml:1: The file can't be read \(No such file"
    ):
        read(tmp_path / "absent.yaml")


def test_yaml_never_makes_objects(tmp_path):
    (problem,) = problems(tmp_path, "name: !!python/object/apply:os.getcwd []\n")
    assert "could not determine a constructor" in problem
