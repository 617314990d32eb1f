"""How a device management is asked and read: a YAML file, two of which are shipped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from copilot.people import Device, Platform
from integrations.datafile import read

SHIPPED = Path(__file__).with_name("mappings")
_CHARS = 200


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asking(Part):
    """Where the devices of a person are listed."""

    path: str = Field(pattern=r"^/")
    query: dict[str, str | tuple[str, ...]]
    """With `{person}` where the person belongs."""
    person: Literal["email", "id"] = "email"
    """What a person is asked for by."""
    quotes: Literal["odata", "rsql"]
    """How the value is written within quotes: `'` twice, or `"` behind a backslash."""
    items: str
    """Where the list is in an answer."""
    next_link: str | None = None
    """Holds the address of the next page."""
    page: str | None = None
    """Instead: the parameter that counts pages, from 0; `total` says how many items there are."""
    total: str | None = None

    @model_validator(mode="after")
    def _asks_for_the_person(self) -> Self:
        if not any("{person}" in each for each in self.query.values() if isinstance(each, str)):
            raise ValueError("No value of 'query' holds {person}, so everybody's would be listed.")
        if (self.page is None) != (self.total is None):
            raise ValueError("'page' and 'total' belong together. Give both or none.")
        return self


class Choice(Part):
    """A field with the values that mean something; the letter case does not matter."""

    field: str
    values: dict[str, Platform]


class Verdict(Part):
    """Whether a device keeps the company's rules; any other value is unknown."""

    field: str
    compliant: tuple[str, ...]
    not_compliant: tuple[str, ...] = ()


class DeviceFields(Part):
    """Where in an item each fact is; dots lead inwards. What is left out is unknown."""

    name: str
    platform: Choice | Platform
    os_version: str | None = None
    asset_tag: str | None = None
    managed: str | bool | None = None
    """A field, or the same for all that is listed."""
    compliant: Verdict | None = None
    checked_at: str | None = None


class DeviceMapping(Part):
    """One device management."""

    label: str
    scope: str | None = None
    """Of the access token, where the vendor wants one named."""
    listing: Asking
    owner: str
    """Whose device an item is: compared with the person asked for, whatever the server's filter did."""
    device: DeviceFields

    def device_of(self, item: Mapping[str, Any]) -> Device | None:
        """The device; `None` for one of a kind that is not known here."""
        fields = self.device
        name, platform = _text(item, fields.name), self._platform(item)
        if name is None or platform is None:
            return None
        managed = _at(item, fields.managed) if isinstance(fields.managed, str) else fields.managed
        return Device(
            name=name,
            platform=platform,
            os_version=_text(item, fields.os_version),
            asset_tag=_text(item, fields.asset_tag),
            managed=managed if isinstance(managed, bool) else None,
            compliant=_verdict(item, fields.compliant),
            checked_at=_moment(_text(item, fields.checked_at)),
        )

    def belongs_to(self, item: Mapping[str, Any], who: str) -> bool:
        return (_text(item, self.owner) or "").casefold() == who.casefold()

    def items_of(self, page: object) -> list[Mapping[str, Any]]:
        held = _at(page, self.listing.items)
        return [item for item in held if isinstance(item, dict)] if isinstance(held, list) else []

    def _platform(self, item: Mapping[str, Any]) -> Platform | None:
        if isinstance(self.device.platform, str):
            return self.device.platform
        said = (_text(item, self.device.platform.field) or "").casefold()
        known = self.device.platform.values.items()
        return next((platform for name, platform in known if name.casefold() == said), None)


def load_mapping(name: str) -> DeviceMapping:
    """A shipped mapping by its name, or a file of one's own. Raises `DataFileError`."""
    shipped = SHIPPED / f"{name}.yaml"
    return read(shipped if shipped.is_file() else Path(name)).read_as(DeviceMapping)


def _verdict(item: Mapping[str, Any], verdict: Verdict | None) -> bool | None:
    said = (_text(item, verdict.field) or "").casefold() if verdict else ""
    if verdict is None or not said:
        return None
    if said in map(str.casefold, verdict.compliant):
        return True
    return False if said in map(str.casefold, verdict.not_compliant) else None


def _moment(said: str | None) -> datetime | None:
    """A time with its zone, or UTC where none is said. Year 1 is how vendors say never."""
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware if aware.year > 1 else None


def _text(item: object, path: str | None) -> str | None:
    held = _at(item, path) if path else None
    return held.strip()[:_CHARS] or None if isinstance(held, str) else None


def _at(item: object, path: str) -> Any:
    """What lies there: a key that has dots itself, else inwards along the dots."""
    if not isinstance(item, dict):
        return None
    if path in item:
        return item[path]
    first, _, rest = path.partition(".")
    return _at(item.get(first), rest) if rest else None
