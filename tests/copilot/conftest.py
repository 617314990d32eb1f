from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from copilot.conversation import Inquiry, Reply
from integrations.settings import Settings
from integrations.wiring import App, open_app
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
Ask = Callable[..., Awaitable[Reply]]


@pytest.fixture
async def app(prepared_home: Path, tmp_path: Path) -> AsyncIterator[App]:  # noqa: F811
    """The whole product on a prepared home of its own."""
    home = copy_of(prepared_home, tmp_path / "home")
    opened = await open_app(Settings(home=home), clock=lambda: NOW)
    yield opened
    await opened.close()


@pytest.fixture
def ask(app: App) -> Ask:
    """Ask as an employee; turns of a thread are a minute apart."""
    numbers = count(1)

    async def asked(text: str, **given: object) -> Reply:
        number = next(numbers)
        inquiry = {
            "id": f"inquiry-{number}",
            "text": text,
            "user": "dana.reed",
            "thread": "thread-1",
            "at": NOW + timedelta(minutes=number),
            **given,
        }
        return await app.copilot.ask(Inquiry.model_validate(inquiry))

    return asked
