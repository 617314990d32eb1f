"""The settings of who may do what at the HTTP doors."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.settings.shared import Names, is_given, is_readable_by_others


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
            missing = [name for name in needed if not is_given(getattr(self, name))]
            if missing:
                named = ", ".join(f"COPILOT_ACCESS_{name.upper()}" for name in missing)
                raise ValueError(f"Signing in with OpenID Connect needs {named}. Set it.")
        for name in ("public_url", "oidc_issuer"):
            if (url := getattr(self, name)) and is_readable_by_others(url):
                raise ValueError(
                    f"COPILOT_ACCESS_{name.upper()} ({url}) is not encrypted. Use an https address."
                )
        if self.public_url and urlsplit(self.public_url).path.strip("/"):
            raise ValueError(
                f"COPILOT_ACCESS_PUBLIC_URL ({self.public_url}) has a path. Use a host of its own."
            )
        return self
