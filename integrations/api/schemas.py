"""The published JSON Schemas. `python -m integrations.api.schemas docs/schemas` writes them again."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from copilot.conversation import Handoff, Inquiry, Reply

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILLED_BY_THE_DOOR = ("id", "at")
"""Fields of an inquiry that a sender may leave out: a fresh id and the server's clock."""


def documents() -> Mapping[str, dict[str, object]]:
    """The schema of each kind of document that crosses the door."""
    return {
        "inquiry": _schema("inquiry", _inquiry()),
        "reply": _schema("reply", Reply.model_json_schema(mode="serialization")),
        "handoff": _schema("handoff", Handoff.model_json_schema(mode="serialization")),
    }


def text_of(document: Mapping[str, object]) -> str:
    """How a schema stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _inquiry() -> dict[str, object]:
    schema = Inquiry.model_json_schema()
    schema["required"] = [name for name in schema["required"] if name not in FILLED_BY_THE_DOOR]
    return schema


def _schema(name: str, schema: dict[str, object]) -> dict[str, object]:
    return {"$schema": DIALECT, "$id": f"/schemas/{name}.json", **schema}


def write(folder: Path) -> list[Path]:
    """Write every schema into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, document in documents().items():
        files.append(folder / f"{name}.json")
        files[-1].write_text(text_of(document), "utf-8")
    return files


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schemas")):
        sys.stdout.write(f"{written}\n")
