"""Which directory and which device management the settings name. A part of the composition root."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import SecretStr

from copilot.errors import UnknownUserError
from integrations.access.book import AccessBook
from integrations.access.doorkeeper import Doorkeeper, Lifetimes
from integrations.access.doors import Doors
from integrations.access.limiting import Limiter, Rates
from integrations.access.roles import RoleMap
from integrations.access.signing_in import CompanySignIn
from integrations.aging import Ages
from integrations.clock import wall_clock
from integrations.company import Company
from integrations.devices.port import Devices
from integrations.directory.cached import CachedDirectory, Roll
from integrations.directory.port import People, Source
from integrations.directory.with_devices import DirectoryWithDevices
from integrations.directory.yaml_directory import YamlDirectory
from integrations.settings import AccessSettings, DeviceSettings, DirectorySettings
from integrations.store.database import Database
from integrations.telemetry import Counters

Tell = Callable[[str], None]
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Connections:
    """The company's people, and what is behind them."""

    people: People
    cached: CachedDirectory | None = None
    devices: Devices | None = None
    snapshot_every: timedelta = timedelta(hours=1)

    @property
    def are_chosen_from(self) -> bool:
        """Whether they are the people of a file: a demonstration lets everybody be any of them."""
        return self.cached is None

    def start(self, roll: Roll) -> "asyncio.Task[None] | None":
        """From now on tell `roll` who works here, as far as a snapshot goes."""
        if self.cached is None:
            return None
        return asyncio.create_task(self.cached.keep_looking(roll, self.snapshot_every))

    async def close(self, looking: "asyncio.Task[None] | None" = None) -> None:
        if looking is not None:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        for part in (self.cached, self.devices):
            if part is not None:
                await part.close()


def connections_of(company: Company, counters: Counters, *, mode: str) -> Connections:
    """Those of the settings. Raises `UnknownUserError` where a demonstration would let everybody be anybody."""
    directory = DirectorySettings()
    if mode == "demo" and directory.kind != "yaml":
        raise UnknownUserError(
            "COPILOT_DIRECTORY_KIND names the company's own directory, and a demonstration would let "
            "everybody ask as anybody in it. Set COPILOT_MODE=production."
        )
    told = {"of_directory": counters.directory, "of_devices": counters.devices}
    return connected(directory, DeviceSettings(), company, **told)


def connected(
    directory: DirectorySettings,
    devices: DeviceSettings,
    company: Company,
    *,
    of_directory: Tell,
    of_devices: Tell,
) -> Connections:
    """`of_directory` and `of_devices` count what happens. Raises `DataFileError` for a faulty file."""
    cached: CachedDirectory | None = None
    if directory.kind == "yaml":
        people: People = YamlDirectory(company.directory)
    else:
        people = cached = CachedDirectory(
            source_of(directory, of_directory),
            _ages(directory),
            wall_clock,
            tell=of_directory,
            snapshot=directory.snapshot_people,
        )
    management = devices_of(devices, of_devices)
    if management is not None:
        people = DirectoryWithDevices(
            people,
            management,
            _ages(devices),
            wall_clock,
            posture=timedelta(seconds=devices.posture_seconds),
            seconds=devices.seconds,
            tell=of_devices,
        )
    return Connections(people, cached, management, timedelta(minutes=directory.snapshot_minutes))


def source_of(settings: DirectorySettings, tell: Tell) -> Source:
    """The company's own directory. Raises `DataFileError` for a faulty mapping."""
    if settings.kind == "scim":
        return _scim(settings, tell)
    from integrations.directory.ldap_directory import LdapDirectory
    from integrations.directory.ldap_mapping import load_mapping
    from integrations.directory.ldap_pool import LdapServer

    server = LdapServer(
        url=settings.url or "",
        bind_dn=settings.bind_dn or "",
        password=_plain(settings.password),
        base=settings.base_dn or "",
        groups_base=settings.groups_base_dn,
        starttls=settings.starttls,
        ca_file=settings.ca_file,
        seconds=settings.seconds,
        connections=settings.connections,
    )
    mapping = load_mapping(settings.mapping).calling(settings.group_names)
    return LdapDirectory(server, mapping, tell=tell)


def devices_of(settings: DeviceSettings, tell: Tell) -> Devices | None:
    """`None` where devices come with the directory. Raises `DataFileError` for a faulty mapping."""
    if settings.kind == "directory":
        return None
    from integrations.devices.http_devices import DeviceServer, HttpDevices
    from integrations.devices.mapping import load_mapping

    server = DeviceServer(
        url=settings.url or "",
        token_url=settings.token_url or "",
        client_id=settings.client_id or "",
        client_secret=_plain(settings.client_secret),
        seconds=settings.seconds,
    )
    return HttpDevices(server, load_mapping(settings.mapping), tell=tell)


def directory_findings() -> Iterator[tuple[Level, str]]:
    """For `doctor`: whether the directory of the settings can be read."""
    chosen = DirectorySettings()
    if chosen.kind == "yaml":
        yield "ok", "people come from the company folder's file"
        return
    problems = asyncio.run(_problems_of(source_of(chosen, _uncounted)))
    yield from (("fail", problem) for problem in problems)
    if not problems:
        yield "ok", f"the directory at {chosen.url} answers, and its people are readable"


def device_findings() -> Iterator[tuple[Level, str]]:
    """For `doctor`: whether the device management of the settings answers."""
    chosen = DeviceSettings()
    management = devices_of(chosen, _uncounted)
    if management is None:
        yield "ok", "devices are those of the directory; no device management is connected"
        return
    problems = asyncio.run(_problems_of(management))
    # Without it devices are unknown, and everything else works.
    yield from (("warn", problem) for problem in problems)
    if not problems:
        yield "ok", f"device management at {chosen.url} answers"


def doors_of(
    database: Database, people: People, tell: Tell, *, settings: AccessSettings | None = None
) -> Doors:
    """Who may come in, by the settings."""
    chosen = settings or AccessSettings()
    lifetimes = Lifetimes(
        idle=timedelta(minutes=chosen.idle_minutes),
        absolute=timedelta(hours=chosen.absolute_hours),
        link=timedelta(minutes=chosen.link_minutes),
        attempt=timedelta(minutes=chosen.attempt_minutes),
        events=timedelta(days=chosen.keep_days),
    )
    roles = RoleMap(
        {
            "tier2": frozenset(chosen.tier2_groups),
            "platform": frozenset(chosen.platform_groups),
            "admin": frozenset(chosen.admin_groups),
        },
        chosen.queue_prefix,
    )
    rates = Rates(
        ask=chosen.ask_per_minute,
        feedback=chosen.feedback_per_minute,
        signin=chosen.signins_per_minute,
        trusted=chosen.trusted_per_minute,
    )
    return Doors(
        Doorkeeper(AccessBook(database), people, roles, wall_clock, lifetimes, tell=tell),
        Limiter(rates),
        _company_sign_in(chosen),
        chosen.public_url,
        chosen.allowed_hosts,
        chosen.forwarded_hops,
    )


def _company_sign_in(settings: AccessSettings) -> CompanySignIn | None:
    if settings.signin != "oidc":
        return None
    from integrations.access.oidc import OidcSignIn, Provider

    return OidcSignIn(
        Provider(
            issuer=settings.oidc_issuer or "",
            client_id=settings.oidc_client_id or "",
            client_secret=_plain(settings.oidc_client_secret),
            seconds=settings.oidc_seconds,
            fresh_seconds=settings.oidc_fresh_seconds,
            leeway_seconds=settings.oidc_leeway_seconds,
            trusts_emails=settings.oidc_trust_emails,
        )
    )


async def _problems_of(system: Source | Devices) -> list[str]:
    try:
        return await system.problems()
    finally:
        await system.close()


def _uncounted(_what: str) -> None:
    pass


def _scim(settings: DirectorySettings, tell: Tell) -> Source:
    from integrations.directory.scim_directory import ScimDirectory, ScimServer

    server = ScimServer(
        url=settings.url or "",
        token=_plain(settings.token),
        seconds=settings.seconds,
        ca_file=settings.ca_file,
        contractor_types=settings.contractor_types,
        employee_types=settings.employee_types,
        group_names=settings.group_names,
    )
    return ScimDirectory(server, tell=tell)


def _ages(settings: DirectorySettings | DeviceSettings) -> Ages:
    nothing = settings.nothing_seconds if isinstance(settings, DirectorySettings) else 0.0
    return Ages(
        fresh=timedelta(seconds=settings.fresh_seconds),
        stale=timedelta(seconds=settings.stale_seconds),
        nothing=timedelta(seconds=nothing),
        pause=timedelta(seconds=settings.pause_seconds),
        kept=settings.kept,
    )


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
