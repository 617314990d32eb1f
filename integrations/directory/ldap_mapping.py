"""Which attribute of an LDAP entry says what of a person: a YAML file, two of which are shipped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from integrations.datafile import read

Attribute = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9;.-]*$", max_length=100)]
SHIPPED = Path(__file__).with_name("mappings")


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """An attribute whose values mean something; letter case does not matter."""

    attribute: Attribute
    employee: tuple[str, ...] = ()
    contractor: tuple[str, ...] = ()


class Disabled(Part):
    """What says that an account is disabled: any of the three."""

    attribute: Attribute
    present: bool = False
    """Disabled where it has any value."""
    values: tuple[str, ...] = ()
    """Disabled where it has one of these."""
    bits: int | None = None
    """Disabled where one of these bits is set; also where the attribute can't be read."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.present or self.values or self.bits):
            raise ValueError("Say when the account is disabled: present, values or bits.")
        return self


class Groups(Part):
    """Where a person's groups are, and what the policies call them."""

    attribute: Attribute | None = "memberOf"
    """Holds the DNs of the groups."""
    search: str | None = None
    """Instead: a filter that finds the groups, with `{dn}` for the person's DN."""
    name: Attribute = "cn"
    names: dict[str, str] = Field(default_factory=dict)
    """What the policies call a group, by its own name; others keep theirs."""

    @model_validator(mode="after")
    def _finds_groups(self) -> Self:
        if self.search is not None and "{dn}" not in self.search:
            raise ValueError(
                "The filter in 'search' names no {dn}. Put it where the person belongs."
            )
        return self


class LdapMapping(Part):
    """A person, attribute by attribute; what is left out is unknown."""

    label: str | None = None
    person: str = "(objectClass=person)"
    """The filter that everybody meets who counts as a person."""
    id: Attribute
    name: tuple[Attribute, ...]
    """The first that has a value."""
    emails: tuple[Attribute, ...]
    """A person is found by any of them; the first value is shown."""
    site: Attribute | None = None
    manager: Attribute | None = None
    """Holds a DN; that entry's id is taken."""
    sponsor: Attribute | None = None
    """Holds a DN, as `manager`."""
    department: Attribute | None = None
    phone: Attribute | None = None
    language: Attribute | None = None
    employment: Words | None = None
    groups: Groups = Groups()
    disabled: tuple[Disabled, ...] = ()

    def calling(self, names: Mapping[str, str]) -> Self:
        """With what the policies call further groups."""
        groups = self.groups.model_copy(update={"names": {**self.groups.names, **names}})
        return self.model_copy(update={"groups": groups})

    @property
    def attributes(self) -> list[str]:
        """Everything that is asked for."""
        single = (self.id, self.site, self.manager, self.sponsor, self.department, self.phone)
        every = (
            *single,
            self.language,
            *self.name,
            *self.emails,
            self.employment and self.employment.attribute,
            None if self.groups.search else self.groups.attribute,
            *(each.attribute for each in self.disabled),
        )
        return list(dict.fromkeys(name for name in every if name))


def load_mapping(name: str) -> LdapMapping:
    """A shipped mapping by its name, or a file of one's own. Raises `DataFileError`."""
    shipped = SHIPPED / f"{name}.yaml"
    return read(shipped if shipped.is_file() else Path(name)).read_as(LdapMapping)
