"""Who writes, as the company's directory knows them. Never filled from message text."""

from dataclasses import dataclass, field
from typing import Literal

Platform = Literal["windows", "macos", "ios", "android"]


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    platform: Platform
    os_version: str | None = None
    managed: bool | None = None
    compliant: bool | None = None
    asset_tag: str | None = None
    app_versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    email: str | None = None
    site: str | None = None
    manager: str | None = None
    employment: Literal["employee", "contractor", "unknown"] = "unknown"
    sponsor: str | None = None
    groups: tuple[str, ...] = ()
    department: str | None = None
    phone: str | None = None
    language: str | None = None
    location: Literal["office", "home", "travelling", "unknown"] = "unknown"
    active: bool = True
    devices: tuple[Device, ...] = field(default=())

    @property
    def computer(self) -> Device | None:
        """The computer they work on: the first Windows or Mac device, if any."""
        return next((d for d in self.devices if d.platform in ("windows", "macos")), None)
