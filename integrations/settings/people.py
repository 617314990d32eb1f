"""The settings of the company's directory and its device management."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.settings.shared import Names, is_given, is_readable_by_others


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
        missing = [n for n in needed[self.kind] if not is_given(getattr(self, n))]
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
        return is_readable_by_others(self.url or "") and not (self.kind == "ldap" and self.starttls)


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
        missing = [name for name in needed if not is_given(getattr(self, name))]
        if missing:
            named = ", ".join(f"COPILOT_DEVICES_{name.upper()}" for name in missing)
            raise ValueError(f"Device management over http needs {named}. Set it.")
        for name in ("url", "token_url"):
            if is_readable_by_others(getattr(self, name)) and not self.allow_plain:
                raise ValueError(
                    f"COPILOT_DEVICES_{name.upper()} ({getattr(self, name)}) is not encrypted. Use https, or "
                    "accept it with COPILOT_DEVICES_ALLOW_PLAIN=true."
                )
        return self
