"""Who may do what, at a production server over loopback and at its commands."""

import re
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.access_stage import PAGE, Stage, fields, press, staged
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

HANDED_OVER = "I clicked a link in a phishing mail and typed my password there"
EMPLOYEE, COLLEAGUE, AGENT, GRANTED = "dana.reed", "omar.haddad", "lena.vos", "priya.nair"


@pytest.fixture(scope="module")
def stage(
    prepared_home: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("access")
    home = copy_of(prepared_home, folder / "home")
    # Every browser of these tests comes from one address.
    with staged(home, folder / "log", COPILOT_ACCESS_SIGNINS_PER_MINUTE="1000") as running:
        yield running
    log = (folder / "log").read_text("utf-8")
    assert "Traceback" not in log
    assert HANDED_OVER not in log
    assert '"kind": "refused"' in log


@pytest.fixture(scope="module")
def token(stage: Stage) -> str:
    return stage.token(EMPLOYEE)


def ask(client: httpx.Client, **more: str) -> httpx.Response:
    return client.post("/v1/ask", json={"text": HANDED_OVER, "id": uuid4().hex, **more})


def told(answer: httpx.Response) -> tuple[int, object, str]:
    """What a refusal says, without the address that was asked for."""
    body = answer.json()
    detail = str(body["detail"]).replace(answer.request.url.path, "…")
    return answer.status_code, body["type"], detail


def test_strangers_see_no_difference_between_what_is_there_and_what_is_not(stage):
    with stage.client() as stranger:
        there, nothing = stranger.get("/v1/about"), stranger.get("/v1/nothing")
        assert told(there) == told(nothing)
        assert there.status_code == 401
        assert there.headers["www-authenticate"] == "Bearer"
        assert ask(stranger, user=EMPLOYEE).status_code == 401
        for path in ("/metrics", "/openapi.json", "/schemas/reply.json", "/cases/T-2026-000001"):
            assert stranger.get(path).status_code == 401, path
        for path in ("/", "/cases", "/nothing"):
            page = stranger.get(path, headers=PAGE)
            assert (page.status_code, page.headers["location"]) == (303, "/signin")
        for path in ("/healthz", "/readyz", "/problems/not-found", "/static/app.css"):
            assert stranger.get(path).status_code == 200, path
        assert "Ask an administrator" in stranger.get("/signin", headers=PAGE).text


def test_nobody_is_who_a_header_or_an_old_cookie_says(stage):
    says = {"X-Forwarded-User": AGENT, "X-User": EMPLOYEE, "Cookie": f"copilot_user={EMPLOYEE}"}
    with stage.client() as stranger:
        assert stranger.get("/v1/about", headers=says).status_code == 401
        assert stranger.get("/v1/about", headers={"Authorization": "Bearer x"}).status_code == 401
        assert stranger.get("/v1/about", headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_the_first_start_prints_a_link_for_an_administrator(stage):
    [link] = re.findall(r"at (http://\S+/signin/link/\S+)", stage.greeting)
    with stage.client() as browser:
        assert press(browser, link).status_code == 303
        assert browser.get("/metrics").status_code == 200


def test_a_link_is_used_up_by_its_button_and_not_by_a_preview(stage):
    link = stage.link(EMPLOYEE)
    with stage.client() as preview, stage.client() as browser, stage.client() as other:
        for _ in range(2):
            assert preview.get(link).status_code == 200
        signed = press(browser, link)
        assert signed.status_code == 303
        cookie = next(c for c in signed.headers.get_list("set-cookie") if "copilot_session" in c)
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Dana Reed" in browser.get("/", headers=PAGE).text
        assert "Demo user" not in browser.get("/", headers=PAGE).text
        assert told(press(other, link))[:2] == (403, "/problems/sign-in-refused")
        invented = press(other, f"{stage.url}/signin/link/invented")
        assert told(invented) == told(press(other, link))


def test_a_link_needs_the_pages_own_form(stage):
    link = stage.link(EMPLOYEE)
    with stage.client() as elsewhere:
        secret = link.rpartition("/")[2]
        assert told(elsewhere.post("/signin/link", data={"secret": secret}))[0] == 403
        assert press(elsewhere, link).status_code == 303


def test_signing_in_again_or_out_ends_the_session_before(stage):
    with stage.browser(EMPLOYEE) as browser, stage.client() as thief:
        first = browser.cookies["copilot_session"]
        thief.cookies.set("copilot_session", first)
        assert thief.get("/v1/about").status_code == 200
        assert press(browser, stage.link(EMPLOYEE)).status_code == 303
        second = browser.cookies["copilot_session"]
        assert second != first
        assert thief.get("/v1/about").status_code == 401
        thief.cookies.set("copilot_session", second)
        out = browser.post("/signout", data=fields(browser.get("/", headers=PAGE)))
        assert out.headers["location"] == "/signin"
        assert browser.get("/v1/about").status_code == 401
        assert thief.get("/v1/about").status_code == 401


def test_an_administrator_ends_somebodys_sessions(stage):
    with stage.browser(COLLEAGUE) as browser:
        assert "1 session(s)" in stage.said("access", "signout", "--person", COLLEAGUE)
        assert browser.get("/v1/about").status_code == 401


def test_one_asks_as_oneself_only(stage, token):
    with stage.client(token) as client:
        assert ask(client).json()["disposition"]
        assert ask(client, user=EMPLOYEE).status_code == 200
        refused, absent = ask(client, user=COLLEAGUE), ask(client, user="nobody")
        assert told(refused) == told(absent)
        assert refused.status_code == 403


def test_conversations_and_ratings_are_the_owners_alone(stage, token):
    with stage.client(token) as own, stage.client(stage.token(COLLEAGUE)) as other:
        reply = ask(own).json()
        thread = f"/v1/threads/{reply['thread_id']}"
        assert own.get(thread, params={"user": EMPLOYEE}).status_code == 200
        absent = other.get("/v1/threads/absent", params={"user": COLLEAGUE})
        for user in (COLLEAGUE, EMPLOYEE):
            assert told(other.get(thread, params={"user": user})) == told(absent)
        said = {"inquiry_id": reply["inquiry_id"], "verdict": "fixed"}
        unknown = other.post("/v1/feedback", json={**said, "inquiry_id": "x", "user": COLLEAGUE})
        assert unknown.status_code == 404
        for user in (COLLEAGUE, EMPLOYEE):
            assert told(other.post("/v1/feedback", json={**said, "user": user})) == told(unknown)
        assert own.post("/v1/feedback", json={**said, "user": EMPLOYEE}).status_code == 200


def test_cases_are_for_their_owner_and_the_agents_of_their_queue(stage, token):
    with stage.client(token) as own:
        reply = ask(own).json()
        ticket, queue = reply["ticket"]["id"], reply["ticket"]["queue"]
        assert own.get(f"/cases/{ticket}", headers=PAGE).status_code == 200
        assert ticket in own.get("/cases", headers=PAGE).text
    transcript = f"/cases/threads/{reply['thread_id']}"
    stage.said("access", "grant", "--person", GRANTED, "--role", "tier2", "--queue", queue)
    with stage.client(stage.token(GRANTED, "employee", "tier2")) as agent:
        for path in (f"/cases/{ticket}", transcript):
            assert agent.get(path, headers=PAGE).status_code == 200, path
        assert ticket in agent.get("/cases", headers=PAGE).text
        assert agent.get("/metrics").status_code == 404
    # An agent of another queue, somebody else, and the agent with a token that is not for that.
    for person, roles in (
        (AGENT, ("employee", "tier2")),
        (COLLEAGUE, ()),
        (GRANTED, ("employee",)),
    ):
        with stage.client(stage.token(person, *roles)) as client:
            absent = client.get("/cases/T-2026-999999")
            assert told(client.get(f"/cases/{ticket}")) == told(absent), person
            assert client.get(transcript).status_code == 404
            assert ticket not in client.get("/cases", headers=PAGE).text


def test_forbidden_and_absent_routes_look_the_same(stage, token):
    with stage.client(token) as client:
        assert told(client.get("/metrics")) == told(client.get("/nothing"))
        assert told(client.post("/user", json={})) == told(client.post("/nothing", json={}))
        assert client.put("/v1/ask").status_code == 405


def test_a_token_is_shown_once_and_says_no_more_than_its_person_may(stage):
    secret = stage.token(COLLEAGUE)
    listed = stage.said("access", "token", "list")
    assert secret not in listed
    [line] = [line for line in listed.splitlines() if COLLEAGUE in line and "revoked" not in line][
        -1:
    ]
    stored = b"".join(file.read_bytes() for file in stage.home.glob("records.sqlite*"))
    assert secret.encode() not in stored
    refused = stage.run("access", "token", "create", "--person", COLLEAGUE, "--role", "platform")
    assert refused.returncode == 3
    assert "access grant" in refused.stderr
    assert stage.run("access", "token", "create", "--person", "nobody").returncode == 3
    with stage.client(secret) as client:
        assert client.get("/v1/about").status_code == 200
        stage.said("access", "token", "revoke", line.split()[0])
        assert client.get("/v1/about").status_code == 401


def test_a_benchmark_asks_for_others_and_it_is_recorded(stage):
    stage.said("access", "grant", "--person", AGENT, "--role", "platform")
    with stage.client(stage.token(AGENT, "platform")) as client:
        assert ask(client, user=EMPLOYEE).status_code == 200
        assert client.get("/metrics").status_code == 200
        log = stage.said("access", "log", "--person", AGENT)
        assert re.search(rf"asked_for_another .*{EMPLOYEE}", log)
        stage.said("access", "withdraw", "--person", AGENT, "--role", "platform")
        # What the token was made for, its person may no longer.
        assert ask(client, user=EMPLOYEE).status_code == 403
        assert client.get("/metrics").status_code == 404


def test_a_page_elsewhere_can_send_nothing_in_somebodys_name(stage, token):
    foreign = (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    )
    with stage.browser(EMPLOYEE) as browser, stage.client(token) as program:
        for headers in foreign:
            body = {"text": HANDED_OVER}
            answer = browser.post("/v1/ask", json=body, headers=headers)
            assert told(answer)[:2] == (403, "/problems/foreign-origin")
            form = {**fields(browser.get("/", headers=PAGE)), "text": HANDED_OVER}
            assert browser.post("/messages", data=form, headers=headers).status_code == 403
            assert program.post("/v1/ask", json=body, headers=headers).status_code == 200
        assert browser.post("/messages", data={"text": HANDED_OVER}).status_code == 403
        assert browser.post("/signout").status_code == 403
        assert browser.post("/messages", data=form).status_code == 303


def test_refusals_and_sign_ins_are_in_the_log_and_the_counters(stage, token):
    with stage.client(token) as client:
        client.get("/metrics")
    log = stage.said("access", "log", "--count", "500")
    assert re.search(rf"refused  {EMPLOYEE}  token  \S+  /metrics  role", log)
    assert re.search(rf"token_made  {EMPLOYEE}", log)
    assert HANDED_OVER not in log
    owner = (stage.home / "server.token").read_text()
    with stage.client(owner) as client:
        assert 'copilot_access_total{what="refused_role"}' in client.get("/metrics").text


def test_the_owners_commands_go_through_the_server(stage):
    file = stage.home / "server.token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stage.run("ask", "--user", EMPLOYEE, "I forgot my password").returncode == 0
    assert "is up and ready" in stage.run("doctor").stdout
    hidden = file.rename(file.with_suffix(".away"))
    try:
        refused = stage.run("ask", "--user", EMPLOYEE, "I forgot my password")
        assert refused.returncode != 0
        assert "not-signed-in" in refused.stderr or "Sign in" in refused.stderr
    finally:
        hidden.rename(file)


def test_reasons_are_hidden_from_strangers(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
):
    home = copy_of(prepared_home, tmp_path / "home")
    with staged(home, tmp_path / "log") as stage:
        for file in home.glob("checkpoints.sqlite*"):
            file.write_bytes(b"not a database" * 500)
        owner = (home / "server.token").read_text()
        with stage.client() as stranger, stage.client(owner) as operator:
            hidden, shown = stranger.get("/readyz"), operator.get("/readyz")
            assert hidden.status_code == shown.status_code == 503
            assert "reasons" not in hidden.json()
            assert shown.json()["reasons"]


def test_other_machines_are_served_under_the_public_name_only(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
):
    home = copy_of(prepared_home, tmp_path / "home")
    public = {"COPILOT_ACCESS_PUBLIC_URL": "https://it.example.com"}
    everywhere = ("--host", "0.0.0.0", "--port", "0")  # noqa: S104  # what is tested
    with staged(home, tmp_path / "log", *everywhere, **public) as stage:
        assert stage.url.startswith("http://127.0.0.1:")
        assert stage.run("ask", "--user", EMPLOYEE, "I forgot my password").returncode == 0
        link = stage.link(EMPLOYEE)
        assert link.startswith("https://it.example.com/signin/link/")
        path = link.removeprefix("https://it.example.com")
        with stage.client() as browser:
            outside = {"Host": "it.example.com", "Origin": "https://it.example.com"}
            page = browser.get(path, headers={**PAGE, **outside})
            cookies = [page.headers["set-cookie"].partition(";")[0]]
            signed = browser.post(
                "/signin/link", data=fields(page), headers={**outside, "Cookie": cookies[0]}
            )
            [session] = [c for c in signed.headers.get_list("set-cookie") if "session" in c]
            assert session.startswith("__Host-copilot_session=")
            assert "Secure" in session
            other = browser.get("/healthz", headers={"Host": "evil.example"})
            assert other.json()["type"] == "/problems/wrong-host"


def test_the_store_keeps_hashes_only(stage):
    with stage.browser(EMPLOYEE) as browser:
        cookie = browser.cookies["copilot_session"]
    with sqlite3.connect(stage.home / "records.sqlite") as db:
        rows = [
            row
            for table in ("access_sessions", "access_tokens", "access_links", "access_events")
            for row in db.execute(f"SELECT * FROM {table}")
        ]
    assert rows
    assert not any(cookie in str(value) for row in rows for value in row)
