"""What every folder of tests shares: a prepared home of the shipped company."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import copy_of, prepared_home

__all__ = ["prepared_home"]


@pytest.fixture
def home(prepared_home: Path, tmp_path: Path) -> Path:  # the fixture of that name
    """A prepared home of the test's own."""
    return copy_of(prepared_home, tmp_path / "home")


@pytest.fixture
def another_home(prepared_home: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes further prepared homes."""
    return lambda name: copy_of(prepared_home, tmp_path / name)
