import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

import httpx
import jsonschema
import pytest
import pytest_asyncio

from copilot.conversation import Inquiry, Reply
from copilot.errors import (
    ForeignThreadError,
    InquiryConflictError,
    InquiryError,
    OutageError,
    StoreUnavailableError,
    UnknownUserError,
)
from copilot.service import Copilot
from integrations.api.app import create_app
from integrations.api.problems import KINDS
from integrations.api.schemas import documents, text_of
from integrations.remote import RemoteDoor
from integrations.settings import Settings
from integrations.web.app import create_site
from integrations.wiring import App, open_app
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "http://127.0.0.1:8000"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
VPN = "The VPN says certificate validation failure"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:  # noqa: F811
    home = copy_of(prepared_home, tmp_path_factory.mktemp("api") / "home")
    opened = await open_app(Settings(home=home), clock=lambda: AT)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as opened:
        yield opened


def client_of(app: App) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(app)), base_url=URL)


def problem(answer: httpx.Response, slug: str) -> str:
    """The detail of an answer that must be a whole problem of this kind."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["type"] == f"/problems/{slug}"
    assert told["status"] == answer.status_code == KINDS[slug].status
    assert told["title"] == KINDS[slug].title
    assert told["instance"] == answer.request.url.path
    assert "Traceback" not in answer.text
    detail: str = told["detail"]
    return detail


async def ask(client: httpx.AsyncClient, **sent: object) -> httpx.Response:
    return await client.post("/v1/ask", json={"text": VPN, "user": "dana.reed", **sent})


async def test_a_question_gets_the_reply_of_the_contract(client: httpx.AsyncClient) -> None:
    answer = await ask(client)
    assert answer.status_code == 200
    reply = answer.json()
    jsonschema.validate(reply, documents()["reply"])
    assert reply["disposition"] == "answer"
    assert reply["category"] == "vpn"
    assert reply["citations"][0]["reviewed_on"]


async def test_the_sender_may_name_id_thread_and_time(client: httpx.AsyncClient) -> None:
    sent = {"id": uuid4().hex, "thread": f"th-{uuid4().hex}", "at": "2026-11-20T08:00:00+01:00"}
    reply = (await ask(client, **sent, channel=None)).json()
    assert (reply["inquiry_id"], reply["thread_id"]) == (sent["id"], sent["thread"])


async def test_a_repeated_id_gets_the_stored_reply(client: httpx.AsyncClient) -> None:
    first = await ask(client, id="repeated")
    assert (await ask(client, id="repeated")).json() == first.json()


async def test_the_same_id_with_another_text_is_refused(client: httpx.AsyncClient) -> None:
    await ask(client, id="used")
    again = await ask(client, id="used", text="My printer is out of toner")
    assert "Send this message under a new id" in problem(again, "inquiry-conflict")


async def test_somebody_elses_thread_is_refused(client: httpx.AsyncClient) -> None:
    await ask(client, thread="of-dana")
    answer = await ask(client, thread="of-dana", user="omar.haddad")
    assert "belongs to somebody else" in problem(answer, "foreign-thread")
    read = await client.get("/v1/threads/of-dana", params={"user": "omar.haddad"})
    assert "belongs to somebody else" in problem(read, "foreign-thread")


async def test_an_unknown_user_is_refused(client: httpx.AsyncClient) -> None:
    assert "in 'user'" in problem(await ask(client, user="nobody"), "unknown-user")
    read = await client.get("/v1/threads/any", params={"user": "nobody"})
    assert "nobody of that id" in problem(read, "unknown-user")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "not UTF-8 (byte 0)"),
        (b"[1]", "a JSON list, not an object"),
        (b'"text"', "a JSON text, not an object"),
        (b'{"text": NaN}', "a number that JSON does not know"),
        (b'{"text": "a", "user": "dana.reed", "text": "b"}', "names a field twice"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
async def test_a_body_that_is_no_json_object_is_explained(
    client: httpx.AsyncClient, body: bytes, said: str
) -> None:
    for path in ("/v1/ask", "/v1/feedback"):
        answer = await client.post(path, content=body, headers=JSON)
        assert said in problem(answer, "malformed-body")


async def test_every_faulty_field_is_listed(client: httpx.AsyncClient) -> None:
    sent = {"text": "  \u200b ", "thread": "a\nb", "at": "2026-11-22T09:30:00", "colour": "blue"}
    answer = await client.post("/v1/ask", json=sent)
    problem(answer, "invalid-value")
    assert {fault["field"]: fault["detail"] for fault in answer.json()["errors"]} == {
        "text": "The message is empty. Describe the problem in a sentence or two.",
        "user": "The field is missing. Add it.",
        "thread": "It holds control characters. Remove them.",
        "at": "It names no time zone. Write it like 2026-11-22T09:30:00Z.",
        "body": "It holds a field that is not known. Remove what /openapi.json does not list.",
    }


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", "x" * 16_001, "longer than 16000 characters"),
        ("text", 7, "is not a text"),
        ("text", "\ud800", "lone surrogate"),
        ("user", "", "It is empty"),
        ("at", "yesterday", "is not a time"),
        ("history", [{"text": "x"}] * 51, "at most 50"),
    ],
)
async def test_a_faulty_value_is_explained(
    client: httpx.AsyncClient, field: str, value: object, said: str
) -> None:
    body = json.dumps({"text": "help", "user": "dana.reed", field: value})
    answer = await client.post("/v1/ask", content=body, headers=JSON)
    assert said in problem(answer, "invalid-value")


MISPLACED = "Tr0ub1e&Str1fe"
"""A password in a place where none belongs."""


@pytest.mark.parametrize(
    "change",
    [
        {"at": MISPLACED},
        {"at": f"2026-11-22T09:30:00 {MISPLACED}"},
        {"user": MISPLACED},
        {"user": [MISPLACED]},
        {"text": {"secret": MISPLACED}},
        {"id": {MISPLACED: 1}},
        {"id": f"my password is {MISPLACED}"},
        {"thread": f"password:{MISPLACED}"},
        {"channel": [MISPLACED]},
        {"history": MISPLACED},
        {"history": [{"text": "x", MISPLACED: 1}]},
        {"history": [{"text": "x", "at": MISPLACED}]},
        {"display_name": 9, MISPLACED: MISPLACED},
    ],
)
async def test_no_problem_quotes_what_was_sent(
    client: httpx.AsyncClient, change: dict[str, object]
) -> None:
    answer = await ask(client, **change)
    assert answer.status_code in (400, 403, 422)
    assert MISPLACED not in answer.text
    assert answer.json()["detail"]


async def test_no_problem_quotes_a_parameter(client: httpx.AsyncClient) -> None:
    sent = {"inquiry_id": "x", "user": "dana.reed", "verdict": MISPLACED, "at": MISPLACED}
    refused = [
        await client.post("/v1/feedback", json=sent),
        await client.get("/v1/threads/x", params={"user": MISPLACED}),
    ]
    for answer in refused:
        assert answer.status_code in (403, 422)
        assert MISPLACED not in answer.text


async def test_a_secret_in_the_channel_is_not_kept(client: httpx.AsyncClient, app: App) -> None:
    reply = (await ask(client, channel=f"password: {MISPLACED}")).json()
    records = await app.journal.records(reply["thread_id"])
    assert [record.channel for record in records.values()] == ["password: [password-1]"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_any_time_of_the_calendar_can_be_asked_at(
    client: httpx.AsyncClient, app: App, at: str
) -> None:
    reply = (await ask(client, at=at)).json()
    assert reply["disposition"] in ("answer", "escalate")
    (record,) = (await app.journal.records(reply["thread_id"])).values()
    assert record.author != "outage"


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x1b[31mVPN is down\x7f",
        "<script>alert(1)</script> my VPN is down",
        "'; DROP TABLE turns; --",
    ],
)
async def test_hostile_text_gets_a_reply_as_any_other(client: httpx.AsyncClient, text: str) -> None:
    answer = await ask(client, text=text)
    assert answer.status_code == 200
    assert answer.json()["disposition"] in ("answer", "clarify", "escalate", "decline")


async def test_a_megabyte_is_refused_however_it_is_sent(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    whole = await client.post("/v1/ask", content=b"x" * 1_000_000, headers=JSON)
    streamed = await client.post("/v1/ask", content=chunks(), headers=JSON)
    for answer in (whole, streamed):
        assert "larger than 256000 bytes" in problem(answer, "body-too-large")


async def test_only_json_is_taken_so_that_no_other_site_can_post(client: httpx.AsyncClient) -> None:
    body = json.dumps({"text": VPN, "user": "dana.reed"})
    for headers in ({}, {"Content-Type": "text/plain"}):
        answer = await client.post("/v1/ask", content=body, headers=headers)
        assert "Content-Type: application/json" in problem(answer, "wrong-media-type")


async def test_a_foreign_host_name_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"Host": "rebound.example"})
    assert "'rebound.example'" in problem(answer, "wrong-host")


async def test_addresses_and_methods_that_do_not_exist_are_explained(
    client: httpx.AsyncClient,
) -> None:
    assert "/nowhere" in problem(await client.get("/nowhere"), "not-found")
    wrong = await client.get("/v1/ask")
    assert "Use POST" in problem(wrong, "wrong-method")
    assert wrong.headers["allow"] == "POST"
    assert (await client.head("/healthz")).status_code == 200
    assert (await client.put("/healthz")).headers["allow"] == "GET, HEAD"
    counted = (await client.get("/metrics")).text
    assert 'copilot_problems_total{kind="wrong-method"}' in counted


async def test_feedback_becomes_the_outcome_of_the_turn(client: httpx.AsyncClient) -> None:
    reply = (await ask(client)).json()
    sent = {"inquiry_id": reply["inquiry_id"], "user": "dana.reed", "verdict": "fixed"}
    assert (await client.post("/v1/feedback", json=sent)).json()["recorded"] is True
    address = f"/v1/threads/{reply['thread_id']}"
    thread = (await client.get(address, params={"user": "dana.reed"})).json()
    assert [turn["outcome"] for turn in thread["turns"]] == ["fixed"]
    assert thread["turns"][0]["reply"] == reply


async def test_feedback_on_what_is_not_ones_own_is_refused(client: httpx.AsyncClient) -> None:
    reply = (await ask(client)).json()
    sent = {"inquiry_id": reply["inquiry_id"], "user": "omar.haddad", "verdict": "fixed"}
    problem(await client.post("/v1/feedback", json=sent), "foreign-thread")
    unknown = {**sent, "inquiry_id": "never-asked"}
    problem(await client.post("/v1/feedback", json=unknown), "unknown-inquiry")
    wrong = await client.post(
        "/v1/feedback", json={**sent, "verdict": "fine", "at": "2026-11-22T09:30:00"}
    )
    assert "'fixed', 'still_stuck' or 'talk_to_human'" in problem(wrong, "invalid-value")
    assert "names no time zone" in wrong.json()["detail"]


async def test_reading_an_unknown_thread_is_an_error(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/threads/never/started", params={"user": "dana.reed"})
    assert "No conversation of that id" in problem(answer, "unknown-thread")
    assert "user" in problem(await client.get("/v1/threads/any"), "invalid-value")


async def test_health_readiness_and_counters(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    await ask(client)
    counted = (await client.get("/metrics")).text
    assert 'copilot_turns_total{disposition="answer",effect="permit"}' in counted


async def test_every_answer_is_hardened(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nowhere", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["x-content-type-options"] == "nosniff"


async def test_the_openapi_document_has_examples_for_every_operation(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                assert any("example" in c or "examples" in c for c in content.values()), (
                    path,
                    status,
                )
    asked = document["paths"]["/v1/ask"]["post"]
    assert {"400", "403", "409", "413", "415", "422", "500", "503"} <= set(asked["responses"])
    schema = document["components"]["schemas"]["Inquiry"]
    for example in asked["requestBody"]["content"]["application/json"]["examples"].values():
        jsonschema.validate(example["value"], {**schema, "components": document["components"]})


async def test_every_kind_of_problem_is_explained(client: httpx.AsyncClient) -> None:
    for slug, kind in KINDS.items():
        assert (await client.get(f"/problems/{slug}")).json()["meaning"] == kind.meaning
    problem(await client.get("/problems/none"), "not-found")


async def test_the_published_schemas_are_current(client: httpx.AsyncClient) -> None:
    folder = Path(__file__).parents[2] / "docs" / "schemas"
    for name, document in documents().items():
        jsonschema.Draft202012Validator.check_schema(document)
        assert (folder / f"{name}.json").read_text("utf-8") == text_of(document)
        assert (await client.get(f"/schemas/{name}.json")).json() == document


async def test_a_closed_store_is_an_outage_with_the_hotline(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    app = await open_app(Settings(home=copy_of(prepared_home, tmp_path / "home")))
    await app.journal.close()
    async with client_of(app) as client:
        detail = problem(await ask(client), "unavailable")
        assert app.company.hotline_text() in detail
        assert str(tmp_path) not in detail
        ready = await client.get("/readyz")
        problem(ready, "not-ready")
        assert any("closed" in reason for reason in ready.json()["reasons"])
        assert (await client.get("/healthz")).status_code == 200
    await app.close()


async def test_a_damaged_memory_is_not_ready(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    app = await open_app(Settings(home=home))
    async with client_of(app) as client:
        assert (await client.get("/readyz")).status_code == 200
        for file in home.glob("checkpoints.sqlite*"):
            file.write_bytes(b"not a database" * 500)
        ready = await client.get("/readyz")
        problem(ready, "not-ready")
        assert any("memory of conversations" in reason for reason in ready.json()["reasons"])
    await app.close()


async def test_in_production_nobody_can_choose_who_they_are(app: App) -> None:
    settings = app.settings.model_copy(update={"mode": "production"})
    site = create_site(replace(app, settings=settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url=URL) as client:
        for path in ("/", "/cases"):
            page = await client.get(path, headers={"Accept": "text/html"})
            assert page.status_code == 303
            assert page.headers["location"] == "/signin"
        asked = {"text": VPN, "user": "dana.reed"}
        problem(await client.post("/v1/ask", json=asked), "not-signed-in")


class Defective:
    """A copilot with a defect, whose error quotes what was typed."""

    async def ask(self, inquiry: Inquiry) -> Reply:
        raise ZeroDivisionError(inquiry.text)


async def test_a_defect_is_counted_and_its_text_stays_inside(app: App) -> None:
    async with client_of(replace(app, copilot=cast(Copilot, Defective()))) as client:
        answer = await ask(client, text="my secret is 1234")
        assert app.company.hotline_text() in problem(answer, "broken")
        assert "1234" not in answer.text
        counted = (await client.get("/metrics")).text
        assert 'copilot_failures_total{kind="ZeroDivisionError",where="http"} 1.0' in counted


def door(app: App) -> RemoteDoor:
    return RemoteDoor(URL, seconds=20, transport=httpx.ASGITransport(create_app(app)))


async def test_the_remote_door_gives_what_the_copilot_gives(app: App) -> None:
    async with door(app) as remote:
        assert remote.default_user == app.default_user
        assert abs((remote.now() - AT).total_seconds()) < 60
        inquiry = Inquiry(id=uuid4().hex, text=VPN, user="dana.reed", at=AT)
        assert await remote.ask(inquiry) == await app.copilot.ask(inquiry)


async def test_the_remote_door_raises_the_copilots_errors(app: App) -> None:
    inquiry = Inquiry(id="far", text=VPN, user="dana.reed", thread="far-thread", at=AT)
    refused: list[tuple[dict[str, object], type[InquiryError]]] = [
        ({"text": "Another text"}, InquiryConflictError),
        ({"id": "far-2", "user": "omar.haddad"}, ForeignThreadError),
        ({"id": "far-3", "user": "nobody"}, UnknownUserError),
    ]
    async with door(app) as remote:
        await remote.ask(inquiry)
        for change, kind in refused:
            with pytest.raises(kind, match=r"[A-Z].*\.$"):
                await remote.ask(inquiry.model_copy(update=change))


async def test_the_remote_door_tells_an_outage_from_a_refusal(app: App) -> None:
    answers = iter([httpx.Response(200, json={"now": AT.isoformat()})])

    def answer(request: httpx.Request) -> httpx.Response:
        return next(
            answers, httpx.Response(503, json={"type": "/problems/unavailable", "detail": "Down."})
        )

    async with RemoteDoor(URL, seconds=1, transport=httpx.MockTransport(answer)) as remote:
        with pytest.raises(UnknownUserError, match="Name who asks with --user"):
            assert remote.default_user
        with pytest.raises(StoreUnavailableError, match="Down"):
            await remote.ask(Inquiry(id="x", text=VPN, user="dana.reed", at=AT))


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_the_remote_door_says_that_the_server_is_gone(error: httpx.HTTPError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(OutageError, match=f"The server at {URL}"):
        async with RemoteDoor(URL, seconds=1, transport=httpx.MockTransport(fail)):
            pass


async def test_parallel_repeats_of_one_inquiry_are_one_turn(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(ask(client, id="at-once") for _ in range(4)))
    replies = [{**answer.json(), "timing_ms": None} for answer in answers]
    assert replies == replies[:1] * 4
