"""The directory file: people with their devices, and nobody who does not fit."""

import re
from pathlib import Path

import pytest

from copilot.people import Device, Person
from integrations.company import load_company, shipped_company
from integrations.datafile import DataFileError
from integrations.directory.yaml_directory import YamlDirectory

SHIPPED = YamlDirectory(shipped_company() / "directory.yaml")
RESERVED = re.compile(r"\+44 113 496 0\d{3}|\+1 617 555 01\d{2}")


def directory(tmp_path: Path, people: str) -> YamlDirectory:
    path = tmp_path / "directory.yaml"
    path.write_text(f"people:\n{people}")
    return YamlDirectory(path)


def faults(tmp_path: Path, people: str) -> list[str]:
    with pytest.raises(DataFileError) as said:
        directory(tmp_path, people)
    return [problem.removeprefix(f"{tmp_path}/directory.yaml:") for problem in said.value.problems]


async def test_a_person_is_found_by_id_with_their_devices(tmp_path):
    people = directory(
        tmp_path,
        """
  - id: ann
    name: Ann Ray
    groups: [finance]
    devices:
      - {name: L1, os: macos, os_version: "15.7", managed: true, app_versions: {VPN: "5.1"}}
""",
    )
    assert await people.person("ann") == Person(
        id="ann",
        name="Ann Ray",
        groups=("finance",),
        devices=(Device("L1", "macos", "15.7", managed=True, app_versions=(("VPN", "5.1"),)),),
    )
    assert await people.person("ANN") is None
    assert await people.names(["ann", "bob"]) == {"ann": "Ann Ray"}


def test_every_fault_of_the_people_is_listed(tmp_path):
    assert faults(
        tmp_path,
        """\
  - {id: ann, name: Ann, manager: bob}
  - {id: bob, name: Bob, manager: ann}
  - {id: Ann, name: Other Ann, manager: nobody}
  - {id: cy, name: Cy, employment: contractor}
""",
    ) == [
        "2: people.0.manager: 'ann' is above themselves. Break the circle.",
        "3: people.1.manager: 'bob' is above themselves. Break the circle.",
        "4: people.2.id: The id 'Ann' is there twice. Give each its own.",
        "4: people.2.manager: Nobody has the id 'nobody'. Correct the manager.",
        "5: people.3: The contractor 'cy' has no sponsor. Name one.",
    ]


def test_a_version_that_yaml_reads_as_a_number_is_a_fault(tmp_path):
    (fault,) = faults(
        tmp_path, "  - {id: a, name: A, devices: [{name: L, os: windows, os_version: 11.0}]}\n"
    )
    assert (
        fault == "2: people.0.devices.0.os_version: Input should be a valid string (given: 11.0)."
    )


def test_an_unknown_system_is_a_fault(tmp_path):
    (fault,) = faults(tmp_path, "  - {id: a, name: A, devices: [{name: L, os: amiga}]}\n")
    assert "people.0.devices.0.os: Input should be 'windows', 'macos', 'ios' or 'android'" in fault


def test_the_shipped_people_use_reserved_numbers_and_addresses():
    for person in SHIPPED.people():
        assert person.phone is None or RESERVED.fullmatch(person.phone), person.id
        assert person.email is not None
        assert person.email.endswith("@larkfield.example")


def test_the_shipped_hotlines_belong_to_nobody():
    hotlines = set(load_company(shipped_company()).company.security_hotline.values())
    assert not hotlines & {person.phone for person in SHIPPED.people()}


def test_the_shipped_people_work_at_the_companys_sites_and_staff_every_queue():
    company = load_company(shipped_company())
    assert {person.site for person in SHIPPED.people()} == set(company.company.sites)
    groups = {group for person in SHIPPED.people() for group in person.groups}
    assert {f"queue:{queue}" for queue in company.queues} <= groups


async def test_the_shipped_managers_are_managers_and_devices_are_told_apart():
    for person in SHIPPED.people():
        manager = await SHIPPED.person(person.manager) if person.manager else None
        assert manager is None or "managers" in manager.groups, person.id
    names = [device.name for person in SHIPPED.people() for device in person.devices]
    assert len(names) == len(set(names))
