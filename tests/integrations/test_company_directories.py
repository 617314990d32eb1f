"""The company's own directory over LDAP and SCIM, against real servers: one contract for both, then what is each one's own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from copilot.errors import DirectoryUnavailableError
from copilot.people import Person
from integrations.company import shipped_company
from integrations.datafile import DataFileError
from integrations.directory.ldap_directory import LdapDirectory
from integrations.directory.ldap_mapping import LdapMapping, load_mapping
from integrations.directory.ldap_pool import LdapServer
from integrations.directory.port import Source
from integrations.directory.scim_directory import ScimDirectory, ScimServer
from integrations.directory.yaml_directory import YamlDirectory
from tests.ldap_server import (
    BASE,
    GROUPS,
    PASSWORD,
    PEOPLE,
    READER,
    Slapd,
    certificate_of,
    free_port,
    scim2_server,
    slapd,
)
from tests.scim_people import fill

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"]),
    pytest.mark.xdist_group("directories"),
]
EVERYBODY = YamlDirectory(shipped_company() / "directory.yaml").people()
TOKEN = "scim-token"


def _uncounted(_what: str) -> None:
    pass


INJECTIONS = (
    "*", "*)(uid=*", "dana.reed)(|(uid=*", "\\2a", "dana.reed\x00", 'x" or userName pr or userName eq "x',
    'x\\" or userName pr', "dana*", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def ldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


@pytest.fixture(scope="module")
def scim() -> Iterator[str]:
    with scim2_server(TOKEN) as url:
        fill(url, TOKEN, EVERYBODY)
        yield url


@dataclass
class Connected:
    source: Source
    told: list[str]
    knows_sponsors: bool


def over_ldap(server: Slapd, told: list[str], **other: Any) -> LdapDirectory:
    mapping = other.pop("mapping", None) or load_mapping("openldap")
    given = {
        "url": server.url, "bind_dn": READER, "password": PASSWORD, "base": PEOPLE,
        "groups_base": GROUPS, "seconds": 2.0, **other,
    }  # fmt: skip
    return LdapDirectory(LdapServer(**given), mapping, tell=told.append)


@pytest.fixture(params=["ldap", "scim"])
async def directory(request: pytest.FixtureRequest) -> AsyncIterator[Connected]:
    told: list[str] = []
    server = request.getfixturevalue(request.param)
    source: Source = (
        over_ldap(server, told)
        if request.param == "ldap"
        else ScimDirectory(ScimServer(server, TOKEN, seconds=10.0), tell=told.append)
    )
    yield Connected(source, told, knows_sponsors=request.param == "ldap")
    await source.close()


def expected(person: Person, *, sponsors: bool) -> Person:
    """What a directory says of somebody; where they work today and their devices it does not know."""
    return replace(
        person,
        groups=tuple(sorted(person.groups)),
        location="unknown",
        devices=(),
        sponsor=person.sponsor if sponsors else None,
    )


# ---- the contract of both


async def test_everybody_is_who_the_companys_file_says(directory: Connected) -> None:
    for person in EVERYBODY:
        found = await directory.source.person(person.id)
        assert found == expected(person, sponsors=directory.knows_sponsors)


async def test_the_managers_lead_to_the_top(directory: Connected) -> None:
    above, at = [], await directory.source.person("lena.vos")
    while at is not None and at.manager is not None:
        at = await directory.source.person(at.manager)
        above.append(at and at.id)
    assert above == ["marcus.webb", "ruth.calloway"]


@pytest.mark.parametrize("text", INJECTIONS, ids=repr)
async def test_an_id_is_a_value_and_never_a_part_of_the_question(
    directory: Connected, text: str
) -> None:
    assert await directory.source.person(text) is None
    assert await directory.source.person_by_email(text) is None


async def test_another_spelling_is_somebody_else(directory: Connected) -> None:
    for spelling in (
        "DANA.REED",
        " dana.reed",
        "dana.reed ",
        "ｄana.reed",
        "dana.re\u00aded",
        "dána.reed",
    ):
        assert await directory.source.person(spelling) is None


async def test_nobody_is_a_definite_no(directory: Connected) -> None:
    assert await directory.source.person("nobody.here") is None
    assert await directory.source.person_by_email("nobody@larkfield.example") is None


async def test_an_address_finds_its_person_in_any_case(directory: Connected) -> None:
    found = await directory.source.person_by_email("Grace.OConnor@LARKFIELD.example")
    assert found is not None
    assert (found.id, found.name) == ("grace.oconnor", "Grace O'Connor")


async def test_a_disabled_account_is_known_and_not_active(directory: Connected) -> None:
    paul = await directory.source.person("paul.grant")
    assert paul is not None
    assert not paul.active


async def test_a_snapshot_is_as_large_as_it_may_be(directory: Connected) -> None:
    assert len(await directory.source.people(5)) == 5
    found = await directory.source.people(1_000)
    assert {(p.id, p.name, p.phone) for p in found} == {(p.id, p.name, p.phone) for p in EVERYBODY}


async def test_many_questions_at_once_get_each_their_own_answer(directory: Connected) -> None:
    wanted = [person.id for person in EVERYBODY] * 2
    found = await asyncio.gather(*(directory.source.person(each) for each in wanted))
    assert [person and person.id for person in found] == wanted


async def test_a_directory_that_is_set_up_well_has_no_problems(directory: Connected) -> None:
    assert await directory.source.problems() == []


# ---- LDAP


@contextmanager
def entry(server: Slapd, dn: str, lines: str) -> Iterator[None]:
    """Something more in the tree, for as long as it takes."""
    server.change(f"dn: {dn}\nchangetype: add\n{lines}\n")
    try:
        yield
    finally:
        server.change(f"dn: {dn}\nchangetype: delete\n")


async def test_two_people_with_one_address_are_nobody_and_it_is_counted(ldap: Slapd) -> None:
    told: list[str] = []
    source = over_ldap(ldap, told)
    twin = "objectClass: inetOrgPerson\ncn: Twin\nsn: Twin\nmail: dana.reed@larkfield.example"
    with entry(ldap, f"uid=dana.twin,{PEOPLE}", twin):
        assert await source.person_by_email("dana.reed@larkfield.example") is None
    assert told == ["ambiguous"]
    assert await source.person_by_email("dana.reed@larkfield.example") is not None
    await source.close()


async def test_the_same_id_twice_and_two_ids_of_one_entry_are_nobody(ldap: Slapd) -> None:
    told: list[str] = []
    source = over_ldap(ldap, told, base=BASE)
    again = "objectClass: inetOrgPerson\ncn: Other\nsn: Other\nuid: omar.haddad"
    with entry(ldap, f"cn=Other,{BASE}", again):
        assert await source.person("omar.haddad") is None
    two = "objectClass: inetOrgPerson\ncn: Two\nsn: Two\nuid: one.name\nuid: other.name"
    with entry(ldap, f"cn=Two,{BASE}", two):
        assert await source.person("one.name") is None
    assert told == ["ambiguous", "ambiguous"]
    await source.close()


async def test_a_group_of_the_same_name_elsewhere_gives_no_rights(ldap: Slapd) -> None:
    source = over_ldap(ldap, [])
    forged = f"objectClass: groupOfNames\nmember: uid=dana.reed,{PEOPLE}"
    with entry(ldap, f"cn=administrators,{PEOPLE}", forged):
        dana = await source.person("dana.reed")
    assert dana is not None
    assert dana.groups == ("all_staff",)
    await source.close()


async def test_groups_are_called_what_the_policies_call_them(ldap: Slapd) -> None:
    mapping = load_mapping("openldap").calling({"Support, Leeds (é)": "service_desk"})
    source = over_ldap(ldap, [], mapping=mapping)
    group = f"objectClass: groupOfNames\nmember: uid=dana.reed,{PEOPLE}"
    with entry(ldap, f"cn=Support\\, Leeds (é),{GROUPS}", group):
        dana = await source.person("dana.reed")
    assert dana is not None
    assert dana.groups == ("all_staff", "service_desk")
    await source.close()


async def test_groups_can_be_searched_where_people_do_not_list_them(ldap: Slapd) -> None:
    told = load_mapping("openldap")
    groups = told.groups.model_copy(update={"search": "(&(objectClass=groupOfNames)(member={dn}))"})
    source = over_ldap(ldap, [], mapping=told.model_copy(update={"groups": groups}))
    lena = await source.person("lena.vos")
    assert lena is not None
    assert lena.groups == ("all_staff", "it", "queue:service-desk", "service_desk")
    await source.close()


@pytest.mark.parametrize(
    ("control", "active"),
    [("userAccountControl: 512\n", True), ("userAccountControl: 514\n", False), ("", False)],
    ids=["enabled", "disabled", "unreadable"],
)
async def test_the_mapping_of_active_directory(ldap: Slapd, control: str, active: bool) -> None:
    source = over_ldap(ldap, [], mapping=load_mapping("active_directory"))
    lines = (
        "objectClass: inetOrgPerson\nobjectClass: user\nobjectCategory: person\ncn: Ann Ray\nsn: Ray\n"
        f"sAMAccountName: aray\n{control}department: Legal\nphysicalDeliveryOfficeName: Leeds\n"
        f"mail: ann.ray@larkfield.example\nemployeeType: External\nmanager: uid=helen.marsh,{PEOPLE}"
    )
    with entry(ldap, f"cn=Ann Ray,{PEOPLE}", lines):
        found = await source.person("aray")
    assert found == Person(
        id="aray", name="Ann Ray", email="ann.ray@larkfield.example", site="Leeds",
        employment="contractor", department="Legal", active=active,
    )  # fmt: skip
    await source.close()


async def test_a_manager_who_is_no_person_any_more_is_unknown(ldap: Slapd) -> None:
    source = over_ldap(ldap, [])
    lines = f"objectClass: inetOrgPerson\ncn: New\nsn: New\nmanager: uid=gone,{PEOPLE}"
    with entry(ldap, f"uid=new.one,{PEOPLE}", lines):
        found = await source.person("new.one")
    assert found is not None
    assert found.manager is None
    await source.close()


async def test_a_reference_to_another_server_is_not_followed(ldap: Slapd) -> None:
    source = over_ldap(ldap, [], base=BASE)
    elsewhere = (
        f"objectClass: referral\nobjectClass: extensibleObject\nref: ldap://127.0.0.1:1/{BASE}"
    )
    with entry(ldap, f"ou=elsewhere,{BASE}", elsewhere):
        assert await source.person("dana.reed") is not None
        assert await source.person("nobody.here") is None
    await source.close()


@pytest.mark.parametrize("way", ["ldaps", "starttls"])
async def test_a_certificate_that_is_vouched_for_is_taken(ldap: Slapd, way: str) -> None:
    source = over_ldap(ldap, [], **_encrypted(ldap, way), ca_file=ldap.certificate)
    assert await source.person("dana.reed") is not None
    await source.close()


@pytest.mark.parametrize("way", ["ldaps", "starttls"])
@pytest.mark.parametrize("trust", ["the system's", "another's"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    ldap: Slapd, tmp_path: Path, way: str, trust: str
) -> None:
    ca_file = certificate_of(tmp_path, "other")[0] if trust == "another's" else None
    source = over_ldap(ldap, [], **_encrypted(ldap, way), ca_file=ca_file)
    with pytest.raises(DirectoryUnavailableError, match="its certificate is not accepted"):
        await source.person("dana.reed")
    await source.close()


async def test_a_certificate_made_out_to_another_host_is_refused(ldap: Slapd) -> None:
    url = ldap.tls_url.replace("localhost", "127.0.0.1")
    source = over_ldap(ldap, [], url=url, ca_file=ldap.certificate)
    with pytest.raises(DirectoryUnavailableError, match="its certificate is not accepted"):
        await source.person("dana.reed")
    await source.close()


def _encrypted(server: Slapd, way: str) -> dict[str, Any]:
    if way == "ldaps":
        return {"url": server.tls_url}
    return {"url": server.url.replace("127.0.0.1", "localhost"), "starttls": True}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"password": "wrong"}, "refuses 'uid=svc-copilot,ou=services,dc=corp,dc=test'. Check COPILOT_"),
        ({"base": f"ou=nowhere,{BASE}"}, "answers 'noSuchObject' below 'ou=nowhere,dc=corp,dc=test'"),
        ({"base": GROUPS}, "Nobody is found below 'ou=groups,dc=corp,dc=test'"),
        ({"url": "ldap://127.0.0.1:1"}, "The directory at ldap://127.0.0.1:1 can't be reached."),
    ],
)  # fmt: skip
async def test_what_an_operator_has_to_mend_is_said(
    ldap: Slapd, given: dict[str, Any], said: str
) -> None:
    source = over_ldap(ldap, [], **given)
    (problem,) = await source.problems()
    assert said in problem
    assert "wrong" not in problem
    await source.close()


async def test_an_attribute_that_nobody_has_is_named(ldap: Slapd) -> None:
    mapping = load_mapping("openldap").model_copy(update={"site": "roomNumber"})
    source = over_ldap(ldap, [], mapping=mapping)
    assert await source.problems() == [
        "None of 26 people has 'roomNumber'. Give the account the right to read it, or correct the mapping."
    ]
    await source.close()


async def test_a_server_that_restarts_is_asked_over_new_connections(ldap: Slapd) -> None:
    source = over_ldap(ldap, [])
    assert await source.person("dana.reed") is not None
    ldap.stop()
    with pytest.raises(DirectoryUnavailableError, match="can't be reached"):
        await source.person("dana.reed")
    ldap.start()
    assert await source.person("dana.reed") is not None
    await source.close()


async def test_a_server_that_does_not_answer_holds_nobody_up_for_longer_than_set(
    ldap: Slapd,
) -> None:
    source = over_ldap(ldap, [], seconds=0.5)
    assert await source.person("dana.reed") is not None
    with ldap.frozen():
        many = (source.person(f"person.{number}") for number in range(12))
        async with asyncio.timeout(10):
            told = await asyncio.gather(*many, return_exceptions=True)
        assert {type(each) for each in told} == {DirectoryUnavailableError}
        assert "took longer than 0.5 seconds" in str(told[0])
    await source.close()


async def test_who_was_not_asked_for_is_never_taken_for_somebody(ldap: Slapd) -> None:
    """A server whose rules for an attribute are odd, or a mapping that finds by another: here by the surname."""
    mapping = load_mapping("openldap").model_copy(
        update={"person": "(|(uid=omar.haddad)(objectClass=nothing))", "id": "cn"}
    )
    source = over_ldap(ldap, [], mapping=mapping)
    assert await source.person("dana.reed") is None
    await source.close()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id: uid\nname: [cn]\nemails: [mail]\ndisabled: [{attribute: x}]\n", "Say when the account"),
        ("id: uid)(x\nname: [cn]\nemails: [mail]\n", "id: String should match pattern"),
        ("id: uid\nname: [cn]\nemails: [mail]\ngroups: {search: (a=b)}\n", "names no {dn}"),
        ("id: uid\nname: [cn]\nemails: [mail]\ntitle: x\n", "The key is unknown"),
    ],
)  # fmt: skip
def test_a_faulty_mapping_is_refused_by_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(DataFileError, match=fault):
        load_mapping(str(tmp_path / "own.yaml"))


@pytest.mark.parametrize("name", ["openldap", "active_directory"])
def test_a_shipped_mapping_asks_for_nothing_that_holds_a_secret(name: str) -> None:
    mapping: LdapMapping = load_mapping(name)
    secret = {"userpassword", "unicodepwd", "ntpwdhistory", "ms-mcs-admpwd", "sambantpassword"}
    assert not secret & {attribute.casefold() for attribute in mapping.attributes}


# ---- SCIM


Answer = Callable[[httpx.Request], httpx.Response]


def pretending(answer: Answer, told: list[str]) -> ScimDirectory:
    """A server that does as no good one does."""
    server = ScimServer("https://idp.test/scim/v2", TOKEN, seconds=0.5)
    return ScimDirectory(server, tell=told.append, transport=httpx.MockTransport(answer))


def listed(*users: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"totalResults": len(users), "Resources": list(users)})


DANA = {
    "id": "1", "userName": "dana.reed", "active": True,
    "emails": [{"value": "dana.reed@larkfield.example"}],
}  # fmt: skip


async def test_a_server_that_ignores_filters_gives_nobody_elses_identity() -> None:
    told: list[str] = []
    source = pretending(lambda _request: listed(DANA), told)
    for ask in (source.person("priya.nair"), source.person_by_email("priya@larkfield.example")):
        with pytest.raises(DirectoryUnavailableError, match="who was not asked for"):
            await ask
    assert told == ["somebody_else", "somebody_else"]


async def test_a_group_that_does_not_list_the_person_counts_for_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "Groups" in request.url.path:
            return listed(
                {"displayName": "administrators", "members": [{"value": "2"}]},
                {"displayName": "all_staff", "members": [{"value": "2"}, {"value": "1"}]},
                {"displayName": "executives"},
            )
        return listed(DANA)

    found = await pretending(answer, []).person("dana.reed")
    assert found is not None
    assert found.groups == ("all_staff",)


async def test_groups_that_the_person_lists_are_not_asked_for_again() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return listed({**DANA, "groups": [{"value": "g", "display": "finance"}]})

    found = await pretending(answer, []).person("dana.reed")
    assert found is not None
    assert found.groups == ("finance",)
    assert asked == ["/scim/v2/Users"]


async def test_somebody_whose_state_is_not_said_is_not_active() -> None:
    source = pretending(lambda _: listed({k: v for k, v in DANA.items() if k != "active"}), [])
    found = await source.person("dana.reed")
    assert found is not None
    assert not found.active


async def test_several_users_of_one_address_are_nobody() -> None:
    told: list[str] = []
    source = pretending(lambda _: listed(DANA, {**DANA, "userName": "other"}), told)
    assert await source.person_by_email("dana.reed@larkfield.example") is None
    assert told == ["ambiguous"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(404),
        httpx.Response(200, text="<html>sign in</html>"),
        httpx.Response(302, headers={"location": "https://elsewhere.test"}),
    ],
    ids=["failing", "missing", "no json", "elsewhere"],
)
async def test_no_answer_is_not_a_no(answer: httpx.Response) -> None:
    with pytest.raises(DirectoryUnavailableError):
        await pretending(lambda _request: answer, []).person("dana.reed")


async def test_a_wrong_token_is_said_without_showing_it(scim: str) -> None:
    source = ScimDirectory(ScimServer(scim, "wrong-token"), tell=_uncounted)
    (problem,) = await source.problems()
    assert "refused with status 401. Check COPILOT_DIRECTORY_TOKEN" in problem
    assert "wrong-token" not in problem
    await source.close()


async def test_a_scim_server_that_is_slow_or_away_is_unavailable() -> None:
    async def slow(
        reader: asyncio.StreamReader,  # the signature of a server's handler
        writer: asyncio.StreamWriter,
    ) -> None:
        await asyncio.sleep(5)

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"):
        source = ScimDirectory(ScimServer(url, TOKEN, seconds=0.3), tell=_uncounted)
        with pytest.raises(DirectoryUnavailableError):
            await source.person("dana.reed")
        await source.close()
    server.close()
