"""A chat model is named in the settings; what can't be had is said before anything starts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from copilot.errors import ChatModelError
from copilot.testing.honest import HonestModel
from integrations.chat_models import chat_model
from integrations.settings import Settings
from integrations.wiring import open_app


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt", "'gpt' names no chat model. Set COPILOT_CHAT_MODEL to `module:factory`"),
        ("scripted-friendly", "'scripted-friendly' names no chat model"),
        ("no_such_module:make", "There is no module 'no_such_module'"),
        ("copilot.testing.honest:Nobody", "has no usable 'Nobody'"),
        ("os:getcwd", "'os:getcwd' returns a str, no chat model"),
        ("copilot.prompts.phrases:phrases", "failed with TypeError"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(name: str, says: str) -> None:
    with pytest.raises(ChatModelError) as told:
        chat_model(name)
    assert says in str(told.value)


def test_a_path_leads_to_a_model() -> None:
    assert isinstance(chat_model("copilot.testing.honest:HonestModel"), HonestModel)
    assert chat_model("scripted-hostile")._llm_type == "scripted-hostile"


async def test_nothing_starts_with_a_wrong_name(tmp_path: Path) -> None:
    with pytest.raises(ChatModelError):
        await open_app(Settings(home=tmp_path / "home", chat_model="gpt"))
    assert list((tmp_path / "home").iterdir()) == []


def test_a_turn_has_time_to_ask_twice() -> None:
    assert Settings(chat_seconds=30).chat_model is None
    with pytest.raises(ValidationError, match="less than half"):
        Settings(chat_model="scripted-honest", chat_seconds=10, turn_seconds=20)
