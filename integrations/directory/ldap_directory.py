"""The company's people over LDAP: OpenLDAP, Active Directory and what is like them. Reads, and nothing else."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from copilot.errors import DirectoryUnavailableError
from copilot.people import Person
from integrations.directory.ldap_mapping import Disabled, LdapMapping
from integrations.directory.ldap_pool import Found, LdapPool, LdapServer, Search
from integrations.directory.spelling import is_spelling

_MOST_GROUPS = 1_000
_SAMPLE = 50
"""How many people `problems` looks at for attributes that nobody has."""
_SNAPSHOT_PATIENCE, _CHECK_PATIENCE = 20.0, 3.0
"""How often the time of a question these may take."""
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2})|\\(.)", re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")


class LdapDirectory:
    """Each question is asked in a thread; ids are compared letter for letter, whatever the server's rules."""

    def __init__(
        self, server: LdapServer, mapping: LdapMapping, *, tell: Callable[[str], None]
    ) -> None:
        """`tell` counts what an operator should know of: ambiguous, somebody_else."""
        self._server = server
        self._mapping = mapping
        self._tell = tell
        self._pool = LdapPool(server)
        self._groups_base = _parts(server.groups_base or server.base)

    async def person(self, person_id: str) -> Person | None:
        return await self._pool.run(lambda search: self._by_id(search, person_id))

    async def person_by_email(self, address: str) -> Person | None:
        return await self._pool.run(lambda search: self._by_email(search, address))

    async def people(self, limit: int) -> Sequence[Person]:
        return await self._pool.run(
            lambda search: self._everybody(search, limit), patience=_SNAPSHOT_PATIENCE
        )

    async def problems(self) -> list[str]:
        try:
            return await self._pool.run(self._found_wanting, patience=_CHECK_PATIENCE)
        except DirectoryUnavailableError as error:
            return [str(error)]

    async def close(self) -> None:
        await self._pool.close()

    def _by_id(self, search: Search, person_id: str) -> Person | None:
        found = self._one(search, _equals(self._mapping.id, person_id))
        if found is None:
            return None
        said = self._id_of(found)
        if said != person_id:
            self._check_is_a_spelling(said, person_id)
            return None
        return self._person(search, found, person_id)

    def _by_email(self, search: Search, address: str) -> Person | None:
        found = self._one(
            search, f"(|{''.join(_equals(each, address) for each in self._mapping.emails)})"
        )
        if found is None:
            return None
        said = {value.casefold() for name in self._mapping.emails for value in found.all(name)}
        if address.casefold() not in said:
            self._check_is_a_spelling(next(iter(said), None), address)
            return None
        person_id = self._id_of(found)
        return self._person(search, found, person_id) if person_id else None

    def _one(self, search: Search, what: str) -> Found | None:
        """The one person of whom it is true; `None` for nobody and for several."""
        names = self._mapping.attributes
        found = search.find(self._server.base, f"(&{self._mapping.person}{what})", names)
        if len(found) > 1:
            self._tell("ambiguous")
        return found[0] if len(found) == 1 else None

    def _check_is_a_spelling(self, said: str | None, asked: str) -> None:
        """Another spelling is a stranger's; quite another value is a server that does not do as asked."""
        if said is not None and not is_spelling(said, asked):
            self._tell("somebody_else")
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} answered with somebody who was not asked for. Check "
                f"'{self._mapping.id}' and the filter of the mapping."
            )

    def _id_of(self, found: Found) -> str | None:
        """`None` for an entry without an id or with several: nobody can say which is theirs."""
        ids = found.all(self._mapping.id)
        if len(ids) > 1:
            self._tell("ambiguous")
        return ids[0] if len(ids) == 1 else None

    def _person(self, search: Search, found: Found, person_id: str) -> Person:
        names = self._mapping
        return Person(
            id=person_id,
            name=_first(found, names.name) or person_id,
            email=_first(found, names.emails),
            site=found.one(names.site),
            manager=self._id_behind(search, found.one(names.manager)),
            employment=self._employment(found),
            sponsor=self._id_behind(search, found.one(names.sponsor)),
            groups=tuple(sorted(self._groups(search, found))),
            department=found.one(names.department),
            phone=found.one(names.phone),
            language=_language(found.one(names.language)),
            active=not any(map(_says(found), names.disabled)),
        )

    def _id_behind(self, search: Search, dn: str | None) -> str | None:
        """The id of another person, by their DN; `None` where there is nobody."""
        if dn is None:
            return None
        found = search.find(dn, self._mapping.person, [self._mapping.id], scope="BASE")
        return self._id_of(found[0]) if found else None

    def _employment(self, found: Found) -> Literal["employee", "contractor", "unknown"]:
        words = self._mapping.employment
        said = (found.one(words.attribute) or "").casefold() if words else ""
        if words is None or not said:
            return "unknown"
        if said in map(str.casefold, words.contractor):
            return "contractor"
        return "employee" if said in map(str.casefold, words.employee) else "unknown"

    def _groups(self, search: Search, found: Found) -> Iterator[str]:
        """Names of the groups below the groups' base; one of the same name elsewhere counts for nothing."""
        groups = self._mapping.groups
        for dn in self._group_dns(search, found):
            parts = _parts(dn)
            if parts and parts[-len(self._groups_base) :] == self._groups_base:
                name = _plain(parse_dn(dn)[0][1])
                yield groups.names.get(name, name)

    def _group_dns(self, search: Search, found: Found) -> Iterator[str]:
        groups, base = self._mapping.groups, self._server.groups_base or self._server.base
        if groups.search is None:
            yield from found.all(groups.attribute)
            return
        what = groups.search.replace("{dn}", escape_filter_chars(found.dn))
        for group in search.find(base, what, [groups.name], most=_MOST_GROUPS):
            yield group.dn

    def _everybody(self, search: Search, limit: int) -> list[Person]:
        names = self._mapping
        wanted = [names.id, *names.name, *names.emails, *([names.phone] if names.phone else [])]
        return [
            Person(
                id=ids[0],
                name=_first(found, names.name) or ids[0],
                email=_first(found, names.emails),
                phone=found.one(names.phone),
            )
            for found in search.every(self._server.base, names.person, wanted, limit)
            if len(ids := found.all(names.id)) == 1
        ]

    def _found_wanting(self, search: Search) -> list[str]:
        """What an operator has to mend: nobody is found, or nobody has what the mapping asks for."""
        base, mapping = self._server.base, self._mapping
        people = list(search.every(base, mapping.person, mapping.attributes, _SAMPLE))
        if not people:
            advice = "Check the base DN, the filter of the mapping and the rights of the account."
            return [f"Nobody is found below '{base}' with {mapping.person}. {advice}"]
        rare = {each.attribute for each in mapping.disabled if each.bits is None}
        return [
            f"None of {len(people)} people has '{name}'. Give the account the right to read it, or correct the mapping."
            for name in mapping.attributes
            if name not in rare and not any(person.all(name) for person in people)
        ]


def _says(found: Found) -> Callable[[Disabled], bool]:
    def is_so(disabled: Disabled) -> bool:
        held = found.all(disabled.attribute)
        if disabled.bits is not None:
            # An account whose state can't be read is not taken for an active one.
            number = next((int(v) for v in held if v.lstrip("-").isdigit()), disabled.bits)
            return bool(number & disabled.bits)
        return (disabled.present and bool(held)) or bool({*held} & {*disabled.values})

    return is_so


def _equals(attribute: str, value: str) -> str:
    return f"({attribute}={escape_filter_chars(value)})"


def _first(found: Found, attributes: Sequence[str]) -> str | None:
    return next((value for name in attributes if (value := found.one(name))), None)


def _language(said: str | None) -> str | None:
    """`nl` of `nl-NL, en;q=0.8`."""
    spoken = _LANGUAGE.match(said.strip()) if said else None
    return spoken[0].casefold() if spoken else None


def _parts(dn: str) -> tuple[tuple[str, str], ...]:
    """A DN for comparing; nothing for what is none."""
    try:
        return tuple((name.casefold(), _plain(value).casefold()) for name, value, _ in parse_dn(dn))
    except LDAPInvalidDnError:
        return ()


def _plain(value: str) -> str:
    r"""A DN's value as people write it: `Sales, EMEA` of `Sales\, EMEA`."""
    data = _ESCAPED.sub(
        lambda m: bytes.fromhex(m[1]).decode("latin-1") if m[1] else _as_bytes(m[2]),
        _as_bytes(value),
    )
    return data.encode("latin-1").decode("utf-8", "replace")


def _as_bytes(text: str) -> str:
    """Its UTF-8 bytes, each as one character: escapes name bytes."""
    return text.encode("utf-8").decode("latin-1")
