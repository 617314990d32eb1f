"""Signing in with a provider that we did not write, at a server as it is started by hand."""

import re
from pathlib import Path

import httpx
import pytest

from tests import slack_emulator
from tests.access_stage import PAGE, fields, staged
from tests.okta_emulator import CLIENT, SECRET, okta
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

pytestmark = [
    pytest.mark.skipif(slack_emulator.missing() is not None, reason=str(slack_emulator.missing())),
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
]
KNOWN, UNKNOWN = "dana.reed@larkfield.example", "stranger@larkfield.example"
_FORM = re.compile(r'<form[^>]*action="([^"]+)">(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'name="([^"]+)" value="([^"]*)"')


def chosen(url: str, address: str) -> str:
    """Sign in at the provider as this account; gives where it sends the browser back to."""
    here = url.replace("//localhost:", "//127.0.0.1:")
    with httpx.Client(trust_env=False) as browser:
        for action, body in _FORM.findall(browser.get(here).text):
            if address in body:
                back = browser.post(httpx.URL(here).join(action), data=dict(_HIDDEN.findall(body)))
                return back.headers["location"]
    raise AssertionError(f"The provider offers no account {address}.")


def test_people_sign_in_with_their_account_and_strangers_do_not(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
):
    home = copy_of(prepared_home, tmp_path / "home")
    port = slack_emulator.free_port()
    public = f"http://127.0.0.1:{port}"
    with okta(tmp_path, f"{public}/signin/callback", KNOWN, UNKNOWN) as issuer:
        settings = {
            "COPILOT_ACCESS_SIGNIN": "oidc",
            "COPILOT_ACCESS_OIDC_ISSUER": issuer,
            "COPILOT_ACCESS_OIDC_CLIENT_ID": CLIENT,
            "COPILOT_ACCESS_OIDC_CLIENT_SECRET": SECRET,
            "COPILOT_ACCESS_PUBLIC_URL": public,
        }
        with staged(home, tmp_path / "log", "--port", str(port), **settings) as stage:
            with stage.client() as browser, stage.client() as stranger:
                assert "/signin/company" in browser.get("/signin", headers=PAGE).text
                sent = browser.get("/signin/company").headers["location"]
                back = chosen(sent, KNOWN)
                assert stranger.get(back).status_code == 403
                assert browser.get(back).headers["location"] == "/"
                home_page = browser.get("/", headers=PAGE)
                assert "Dana Reed" in home_page.text
                assert browser.post("/v1/ask", json={"text": "hello"}).status_code == 200
                assert browser.post("/signout", data=fields(home_page)).status_code == 303
                assert browser.get(back).status_code == 403

                sent = stranger.get("/signin/company").headers["location"]
                refused = stranger.get(chosen(sent, UNKNOWN))
                assert refused.status_code == 403
                assert stranger.get("/v1/about").status_code == 401
            log = stage.said("access", "log")
            assert "signed_in  dana.reed  oidc" in log
            assert "signin_unknown" in log
            assert "signin_state" in log
        assert SECRET not in (tmp_path / "log").read_text("utf-8")
