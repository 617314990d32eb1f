"""The settings of the company's ticket system."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from integrations.settings.shared import parts


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
    look_seconds: Annotated[tuple[float, ...], NoDecode, BeforeValidator(parts)] = (1.0, 5.0, 15.0)
    """When it is looked for after each such try, in seconds in between, separated by commas; together longer than the
    system works on a request."""
    settle_seconds: float = Field(default=2.0, ge=0)
    """Changes younger than this are told the next time: a database numbers a change before others see it."""
    retry_seconds: float = Field(default=2.0, gt=0)
    """The wait after a first failure to tell the system something; it doubles with each further one."""
    most_seconds: float = Field(default=300.0, gt=0)
    """The longest wait between two tries. Nothing is given up because the system is away."""
    tick_seconds: float = Field(default=1.0, gt=0)
    """How often the desk is looked at for something to tell."""
    pages_url: str = ""
    """Address of the copilot's own pages as agents reach them, for links on tickets; without it there are none."""
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
