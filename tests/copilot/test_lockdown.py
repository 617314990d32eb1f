"""With the switch on, whoever wants back into an account is helped by people; the rest works on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from copilot.conversation import Inquiry
from integrations.settings import Settings
from integrations.wiring import App, open_app
from tests.copilot.conftest import NOW
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

RECOVERY = [
    "I forgot my password, how do I reset it?",
    "my password ran out yesterday and I'm stuck at the sign-in page",
    "typed my password wrong too often, now the account is locked. how long do I wait?",
    "locked out again this morning",
    "new phone, old one still here: how do I move the authenticator over?",
    "my phone fell in a lake and the authenticator was on it",
    "the push never arrives on my phone so I can't sign in",
    "ich habe mein Passwort vergessen",
    "mijn account is geblokkeerd na te veel pogingen",
    "he olvidado mi contraseña, ¿cómo la cambio?",
    "j'ai un nouveau téléphone, comment transférer l'authentificateur ?",
]
OTHER = [
    "how do I add the print queue on my laptop?",
    "how big can an attachment be?",
    "how do I get onto the guest wifi?",
]


@pytest.fixture
async def locked_down(prepared_home: Path, tmp_path: Path) -> AsyncIterator[App]:  # noqa: F811
    home = copy_of(prepared_home, tmp_path / "home")
    opened = await open_app(Settings(home=home, lockdown=True), clock=lambda: NOW)
    yield opened
    await opened.close()


async def test_every_recovery_case_goes_to_people_and_the_rest_is_answered(
    locked_down: App,
) -> None:
    came = {}
    for number, text in enumerate([*RECOVERY, *OTHER]):
        inquiry = Inquiry(
            id=f"inquiry-{number}",
            text=text,
            user="dana.reed",
            thread=f"thread-{number}",
            at=NOW + timedelta(days=2 * number),
        )
        came[text] = (await locked_down.copilot.ask(inquiry)).policy.effect
    assert [text for text in RECOVERY if came[text] != "escalate"] == []
    assert [text for text in OTHER if came[text] == "escalate"] == []
