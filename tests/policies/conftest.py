import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.engine import Policies
from policies.errors import PolicyLoadError
from policies.loader import load_policies

PRODUCT = Path(__file__).parents[2] / "policies"
HOUSE = Path(__file__).parent / "data"
QUEUES = frozenset({"vault", "brigade", "porter"})


@pytest.fixture(scope="session")
def policies() -> Policies:
    """The product's own rules and catalogue."""
    return load_policies(PRODUCT / "rules", PRODUCT / "actions")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of a small company's rules and actions, to be broken by the test."""
    return Path(shutil.copytree(HOUSE, tmp_path / "house"))


@pytest.fixture
def load(house: Path) -> Callable[[], Policies]:
    def load_house() -> Policies:
        return load_policies(
            house / "rules", house / "actions", queues=QUEUES, default_queue="porter"
        )

    return load_house


@pytest.fixture
def problems(load: Callable[[], Policies]) -> Callable[[], str]:
    """What loading the broken copy says."""

    def message() -> str:
        with pytest.raises(PolicyLoadError) as caught:
            load()
        return str(caught.value)

    return message
