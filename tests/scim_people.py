"""The sandbox's people in a SCIM server, put there over its own protocol."""

from collections.abc import Iterable, Mapping

import httpx

from copilot.people import Person

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def fill(url: str, token: str, people: Iterable[Person]) -> Mapping[str, str]:
    """The server's id of each person; managers and groups are set once everybody is there."""
    everybody = tuple(people)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
        ids = {p.id: str(_put(client, "/Users", user(p))["id"]) for p in everybody}
        for person in everybody:
            if person.manager:
                manager = {"value": ids[person.manager]}
                path = f"{ENTERPRISE}:manager"
                _patch(client, f"/Users/{ids[person.id]}", path, manager)
        for group in sorted({group for person in everybody for group in person.groups}):
            members = [{"value": ids[p.id]} for p in everybody if group in p.groups]
            schema = "urn:ietf:params:scim:schemas:core:2.0:Group"
            _put(client, "/Groups", {"schemas": [schema], "displayName": group, "members": members})
        return ids


def user(person: Person) -> dict[str, object]:
    found: dict[str, object] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": person.id,
        "displayName": person.name,
        "active": person.active,
        "userType": person.employment,
        "emails": [{"value": person.email, "type": "work", "primary": True}],
        ENTERPRISE: {"department": person.department},
    }
    if person.site:
        found["addresses"] = [{"type": "work", "locality": person.site}]
    if person.phone:
        found["phoneNumbers"] = [{"type": "work", "value": person.phone}]
    if person.language:
        found["preferredLanguage"] = person.language
    return found


def _put(client: httpx.Client, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    made: Mapping[str, object] = answer.json()
    return made


def _patch(client: httpx.Client, path: str, what: str, value: object) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": what, "value": value}],
    }
    answer = client.patch(path, json=body)
    assert answer.is_success, answer.text
