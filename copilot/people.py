"""Who writes, as the company's directory knows them. Never filled from message text."""

from dataclasses import dataclass, field
from datetime import datetime
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
    checked_at: datetime | None = None
    """When device management last heard of it, where that is known: how old `compliant` is."""
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
    known_at: datetime | None = None
    """When the directory said all this, where it can't be asked now; `None` is just now."""
    is_known: bool = True
    """Whether the directory could be asked at all. If not, only the signed-in id is known."""

    @property
    def computer(self) -> Device | None:
        """The computer they work on: the first Windows or Mac device, if any."""
        return next((d for d in self.devices if d.platform in ("windows", "macos")), None)


def only_signed_in(person_id: str) -> Person:
    """Somebody of whom nothing but the signed-in id is known: nothing is permitted to them."""
    return Person(id=person_id, name=person_id, active=False, is_known=False)
