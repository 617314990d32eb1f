"""The settings of Slack."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from integrations.settings.shared import Names, parts


class SlackSettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_SLACK_`. Nothing of Slack runs by default."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_SLACK_", extra="ignore", frozen=True)

    transport: Literal["off", "http", "socket"] = "off"
    """How Slack reaches the copilot: signed HTTP to the ingress, or a socket that the ingress opens."""
    bot_token: SecretStr | None = None
    """The bot's token (`xoxb-`) of the one workspace that is served."""
    app_token: SecretStr | None = None
    """The app's token (`xapp-`) for the socket."""
    signing_secret: SecretStr | None = None
    """What Slack signs its deliveries with."""
    client_id: str | None = None
    """With `client_secret`: several workspaces install the app themselves, and `bot_token` is not used."""
    client_secret: SecretStr | None = None
    api_url: str = "https://slack.com/api/"
    """Address of Slack's Web API; the simulator has its own."""
    host: str = "127.0.0.1"
    """Address on which the ingress listens; it takes nothing that Slack did not sign."""
    port: int = Field(default=8010, ge=0, le=65_535)
    """Port on which the ingress listens."""
    triage_channel: str | None = None
    """Id of the channel where tier 2 gets a card for each handoff; without it there are no cards."""
    agents_group: str = "service_desk"
    """Directory group whose members may work on cases."""
    private_categories: Names = ()
    """Topics, separated by commas, whose answers only the asker sees in a channel; what names a person's own account, device
    or case is private in any case."""
    late_seconds: float = Field(default=30.0, gt=0)
    """Who has no answer after this is told that it takes longer."""
    check_in_minutes: float = Field(default=15.0, gt=0)
    """How soon somebody in a hurry is asked whether it works now."""
    follow_up_days: Annotated[tuple[float, ...], NoDecode, BeforeValidator(parts)] = (1.0, 7.0)
    """When it is asked whether it is still fine, in days after it was, separated by commas."""
    call_seconds: float = Field(default=10.0, gt=0)
    """How long a call to Slack may take."""
    rate_retries: int = Field(default=2, ge=0)
    """How often a call is repeated within a job when Slack says to slow down."""
    concurrency: int = Field(default=8, ge=1)
    """How many messages are worked on at once."""
    attempts: int = Field(default=9, ge=1)
    """How often the work of a message is tried before a human gets it; the waits in between double from
    two seconds, so nine attempts outlast eight minutes without Slack."""
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    """Largest delivery that the ingress reads."""
    keep_days: float = Field(default=30.0, gt=0)
    """How long a finished job is remembered, and with it that its message was answered."""

    @field_validator("follow_up_days")
    @classmethod
    def _lies_ahead(cls, days: tuple[float, ...]) -> tuple[float, ...]:
        if any(day <= 0 for day in days):
            raise ValueError(
                "COPILOT_SLACK_FOLLOW_UP_DAYS holds a day that is not ahead. Use numbers above 0, like 1,7."
            )
        return days

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        missing = [
            f"COPILOT_SLACK_{name.upper()}"
            for name in self._needed()
            if getattr(self, name) is None
        ]
        if missing:
            raise ValueError(
                f"Slack over {self.transport} needs {', '.join(missing)}. Set it, or set "
                "COPILOT_SLACK_TRANSPORT to off."
            )
        return self

    @property
    def is_installed_by_others(self) -> bool:
        """Whether workspaces install the app themselves."""
        return self.client_id is not None

    def _needed(self) -> tuple[str, ...]:
        if self.transport == "off":
            return ()
        tokens = ("client_secret",) if self.is_installed_by_others else ("bot_token",)
        return (*tokens, "signing_secret") if self.transport == "http" else (*tokens, "app_token")
