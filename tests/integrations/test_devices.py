"""Device management, read over HTTP in the shape of Intune and of Jamf Pro (simulators of our own, not the vendors')."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from copilot.conversation import Handoff, Inquiry
from copilot.handoff import posture_of
from copilot.people import Device, Person
from integrations.aging import Ages
from integrations.company import shipped_company
from integrations.connecting import Connections
from integrations.datafile import DataFileError
from integrations.devices.http_devices import DeviceServer, HttpDevices
from integrations.devices.mapping import load_mapping
from integrations.devices.port import DevicesUnavailableError
from integrations.directory.with_devices import DirectoryWithDevices
from integrations.directory.yaml_directory import YamlDirectory
from integrations.sandbox.devices import DeviceCloud, Managed, cloud_of
from integrations.settings import Settings
from integrations.wiring import App, open_app

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PEOPLE = YamlDirectory(shipped_company() / "directory.yaml")
URL = "http://devices.invalid"


def person(who: str) -> Person:
    return next(p for p in PEOPLE.people() if p.id == who)


@pytest.fixture
def cloud() -> DeviceCloud:
    return cloud_of(PEOPLE.people(), NOW - timedelta(hours=2))


@pytest.fixture
def told() -> list[str]:
    return []


def devices(cloud: DeviceCloud, mapping: str, told: list[str], secret: str = "") -> HttpDevices:
    server = DeviceServer(
        URL, f"{URL}/token", cloud.client_id, secret or cloud.client_secret, seconds=1.0
    )
    transport = httpx.ASGITransport(cloud)
    return HttpDevices(server, load_mapping(mapping), tell=told.append, transport=transport)


@pytest.fixture
async def intune(cloud: DeviceCloud, told: list[str]) -> AsyncIterator[HttpDevices]:
    made = devices(cloud, "intune", told)
    yield made
    await made.close()


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def with_devices(source: HttpDevices, told: list[str], watch: Watch) -> DirectoryWithDevices:
    return DirectoryWithDevices(
        PEOPLE,
        source,
        Ages(stale=timedelta(days=2)),
        watch,
        posture=timedelta(hours=24),
        seconds=0.3,
        tell=told.append,
    )


async def test_intunes_devices_are_read_with_their_verdict_and_its_age(intune: HttpDevices) -> None:
    assert await intune.devices_of(person("emily.carter")) == [
        Device("LAP-BOS-0333", "windows", "11 22H2", managed=True, compliant=False,
               asset_tag="LK-30333", checked_at=NOW - timedelta(hours=2)),
        Device("MOB-BOS-0333", "android", "15", managed=True, compliant=True,
               asset_tag="LK-70333", checked_at=NOW - timedelta(hours=2)),
    ]  # fmt: skip


async def test_jamfs_computers_are_read_and_their_verdict_is_unknown(
    cloud: DeviceCloud, told: list[str]
) -> None:
    jamf = devices(cloud, "jamf", told)
    assert await jamf.devices_of(person("omar.haddad")) == [
        Device("MAC-RMT-0027", "macos", "15.7", managed=True, asset_tag="LK-40027",
               checked_at=NOW - timedelta(hours=2))
    ]  # fmt: skip
    await jamf.close()


@pytest.mark.parametrize("mapping", ["intune", "jamf"])
async def test_every_page_is_read(cloud: DeviceCloud, told: list[str], mapping: str) -> None:
    dana = person("dana.reed")
    cloud.devices = [
        Managed(str(dana.email), f"MAC-{number}", "macos", "15", NOW) for number in range(5)
    ]
    source = devices(cloud, mapping, told)
    assert [d.name for d in await source.devices_of(dana)] == [f"MAC-{n}" for n in range(5)]
    await source.close()


@pytest.mark.parametrize("mapping", ["intune", "jamf"])
async def test_nobody_elses_device_is_taken_whatever_the_server_lists(
    cloud: DeviceCloud, told: list[str], mapping: str
) -> None:
    cloud.ignores_filter = True
    cloud.page_size = 100
    source = devices(cloud, mapping, told)
    names = {device.name for device in await source.devices_of(person("tom.becker"))}
    assert names <= {"MAC-BOS-0061", "MOB-BOS-0061"}
    assert "somebody_else" in told
    await source.close()


@pytest.mark.parametrize(
    "address", ["*", "x' or userPrincipalName ne '", 'x" or id!="', "o'connor@corp.test", 'a\\"b']
)
@pytest.mark.parametrize("mapping", ["intune", "jamf"])
async def test_an_address_is_a_value_and_never_a_part_of_the_filter(
    cloud: DeviceCloud, told: list[str], mapping: str, address: str
) -> None:
    source = devices(cloud, mapping, told)
    assert await source.devices_of(replace(person("dana.reed"), email=address)) == []
    cloud.devices.append(Managed(address, "THEIRS", "macos", "15", NOW))
    found = await source.devices_of(replace(person("dana.reed"), email=address))
    assert [device.name for device in found] == ["THEIRS"]
    await source.close()


async def test_somebody_without_an_address_has_no_devices_and_nobody_is_asked(
    intune: HttpDevices, cloud: DeviceCloud
) -> None:
    assert await intune.devices_of(replace(person("dana.reed"), email=None)) == ()
    assert cloud.asked == []


async def test_a_token_that_was_taken_back_is_renewed_once(
    intune: HttpDevices, cloud: DeviceCloud
) -> None:
    await intune.devices_of(person("dana.reed"))
    cloud.tokens.clear()
    assert await intune.devices_of(person("dana.reed"))
    assert cloud.asked.count("/token") == 2


async def test_a_token_is_not_carried_to_another_server(
    intune: HttpDevices, cloud: DeviceCloud
) -> None:
    cloud.page_size = 1
    cloud.next_host = "http://elsewhere.invalid"
    with pytest.raises(DevicesUnavailableError, match=r"'elsewhere\.invalid', which was not asked"):
        await intune.devices_of(person("dana.reed"))


async def test_what_an_operator_has_to_mend_is_said_without_the_secret(
    cloud: DeviceCloud, told: list[str]
) -> None:
    source = devices(cloud, "intune", told, secret="wrong-secret")
    (problem,) = await source.problems()
    assert problem == (
        "Microsoft Intune refused with status 401. Check COPILOT_DEVICES_CLIENT_ID and "
        "COPILOT_DEVICES_CLIENT_SECRET."
    )
    await source.close()


async def test_an_account_that_may_read_has_no_problems(intune: HttpDevices) -> None:
    assert await intune.problems() == []


@pytest.mark.parametrize(
    ("age", "compliant"),
    [(timedelta(hours=23), True), (timedelta(hours=25), None), (timedelta(days=-3), None)],
)
async def test_an_old_verdict_is_unknown_and_its_age_is_shown(
    intune: HttpDevices, cloud: DeviceCloud, told: list[str], age: timedelta, compliant: bool | None
) -> None:
    for device in cloud.devices:
        device.synced_at = NOW - age
    found = await with_devices(intune, told, Watch()).person("dana.reed")
    assert found is not None
    assert found.computer is not None
    assert found.computer.compliant is compliant
    said = "compliant" if compliant else "unknown"
    assert posture_of(found.computer) == f"{said}, last checked {NOW - age:%Y-%m-%d %H:%M} UTC"


async def test_a_verdict_without_a_time_is_unknown(
    intune: HttpDevices, cloud: DeviceCloud, told: list[str]
) -> None:
    for device in cloud.devices:
        device.synced_at = None
    found = await with_devices(intune, told, Watch()).person("dana.reed")
    assert found is not None
    assert [device.compliant for device in found.devices] == [None, None]
    assert posture_of(found.devices[0]) is None


@pytest.mark.parametrize("fault", ["slow", "failing"])
async def test_without_device_management_devices_are_unknown_and_the_turn_goes_on(
    intune: HttpDevices, cloud: DeviceCloud, told: list[str], fault: str
) -> None:
    if fault == "slow":
        cloud.seconds = 2.0
    else:
        cloud.status = 503
    directory = with_devices(intune, told, Watch())
    found = await directory.person("dana.reed")
    assert found is not None
    assert found.devices == ()
    assert "unknown" in told
    asked = len(cloud.asked)
    await directory.person("omar.haddad")
    assert len(cloud.asked) == asked, "it is left alone for a while"


async def test_known_devices_serve_while_device_management_is_down_and_their_verdict_ages(
    intune: HttpDevices, cloud: DeviceCloud, told: list[str]
) -> None:
    watch = Watch()
    directory = with_devices(intune, told, watch)
    await directory.person("dana.reed")
    cloud.status = 503
    watch.now += timedelta(hours=30)
    found = await directory.person("dana.reed")
    assert found is not None
    assert [device.name for device in found.devices] == ["LAP-LDS-0412", "MOB-LDS-0412"]
    assert [device.compliant for device in found.devices] == [None, None]
    watch.now += timedelta(hours=30)
    gone = await directory.person("dana.reed")
    assert gone is not None
    assert gone.devices == ()


async def test_devices_are_asked_for_once_within_the_fresh_time(
    intune: HttpDevices, cloud: DeviceCloud, told: list[str]
) -> None:
    directory = with_devices(intune, told, Watch())
    for _ in range(5):
        await directory.person("dana.reed")
        await directory.person_by_email("dana.reed@larkfield.example")
    assert cloud.asked.count("/v1.0/deviceManagement/managedDevices") == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("    $filter: everything\n", "No value of 'query' holds {person}"),
        ("    $filter: x eq '{person}'\n  page: page\n", "'page' and 'total' belong together"),
    ],
)
def test_a_mapping_that_would_list_everybody_is_refused(
    tmp_path: Path, change: str, fault: str
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        f"label: Own\nlisting:\n  path: /x\n  query:\n{change}  quotes: odata\n  items: value\n"
        "owner: who\ndevice: {name: name, platform: windows}\n"
    )
    with pytest.raises(DataFileError, match=fault):
        load_mapping(str(file))


@pytest.fixture
async def app(
    home: Path, intune: HttpDevices, told: list[str]
) -> AsyncIterator[tuple[App, list[str]]]:
    """The whole product with devices from device management."""
    people = with_devices(intune, told, Watch())
    opened = await open_app(
        Settings(home=home), clock=lambda: NOW, connections=Connections(people, devices=intune)
    )
    yield opened, told
    await opened.close()


async def handed_over(app: App) -> Handoff:
    text = "can a person please call me, I would rather talk to a human"
    reply = await app.copilot.ask(Inquiry(id="i1", text=text, user="emily.carter", at=NOW))
    assert reply.handoff is not None
    return reply.handoff


async def test_the_handoff_shows_the_verdict_with_its_age(app: tuple[App, list[str]]) -> None:
    environment = (await handed_over(app[0])).environment
    assert (environment.device, environment.managed) == ("LAP-BOS-0333", True)
    assert environment.posture == "not compliant, last checked 2026-11-22 08:00 UTC"


async def test_a_handoff_without_device_management_says_what_is_missing(
    app: tuple[App, list[str]], cloud: DeviceCloud
) -> None:
    cloud.status = 503
    handoff = await handed_over(app[0])
    assert handoff.reason_code != "outage"
    assert {"environment.device", "environment.posture"} <= {*handoff.missing}
    assert handoff.employee.name == "Emily Carter"
    assert "unknown" in app[1]
