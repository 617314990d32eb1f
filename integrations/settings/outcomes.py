"""The settings of outcomes."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OutcomeSettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_OUTCOMES_`."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_OUTCOMES_", extra="ignore", frozen=True)

    window_days: float = Field(default=7.0, gt=0)
    """How long after it was settled a return makes a conversation `reopened`."""
