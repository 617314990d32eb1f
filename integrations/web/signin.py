"""Signing in and out: by a one-time link, or with the company's provider."""

from dataclasses import dataclass
from secrets import token_urlsafe

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from integrations.access.book import Attempt
from integrations.access.identity import How
from integrations.access.signing_in import CompanySignIn, SignInRefusedError
from integrations.api.guard import identity_of, session_cookie, session_secret
from integrations.api.problems import SIGN_IN_REFUSED, Problem, ProblemError, nothing_at
from integrations.api.runtime import Runtime
from integrations.web.pages import Pages
from integrations.web.session import (
    checked_form,
    drop_cookie,
    field,
    keep_signed_in,
    session_of,
    set_cookie,
)

ATTEMPT_COOKIE = "copilot_attempt"
CALLBACK = "/signin/callback"


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What the handlers share."""

    runtime: Runtime
    pages: Pages


def signin_routes(runtime: Runtime, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    signing = SigningIn(runtime, pages)

    @router.get("/signin")
    async def show(request: Request) -> Response:
        return _page(signing, request, None)

    @router.get("/signin/link/{secret}")
    async def link(request: Request, secret: str) -> Response:
        # Previews of links open them; only the button below uses one up.
        return _page(signing, request, secret[:200])

    @router.post("/signin/link")
    async def use_link(request: Request) -> Response:
        secret = field(await checked_form(request), "secret") or ""
        person = await runtime.doors.keeper.use_link(secret)
        return await _signed_in(signing, request, person, how="link", reason="signin_link")

    @router.get("/signin/company")
    async def company(request: Request) -> Response:
        return await _sent_to_provider(signing, request)

    @router.get(CALLBACK)
    async def callback(request: Request) -> Response:
        return await _come_back(signing, request)

    @router.post("/signout")
    async def sign_out(request: Request) -> Response:
        await checked_form(request)
        await runtime.doors.keeper.sign_out(identity_of(request))
        response = RedirectResponse("/signin", 303)
        drop_cookie(request, response, session_cookie(request))
        return response

    return router


def _page(signing: SigningIn, request: Request, secret: str | None) -> Response:
    session = session_of(request)
    by_company = signing.runtime.doors.company is not None
    values = {"session": session, "secret": secret, "by_company": by_company}
    return session.keep(signing.pages.response("signin.html", values))


async def _sent_to_provider(signing: SigningIn, request: Request) -> Response:
    browser = token_urlsafe(32)
    begun = await _company(signing, request).begin(_redirect_uri(signing))
    await signing.runtime.doors.keeper.begin(
        begun.state, browser, Attempt(begun.nonce, begun.verifier)
    )
    response = RedirectResponse(begun.url, 303)
    is_secure = request.url.scheme == "https"
    set_cookie(response, ATTEMPT_COOKIE, browser, secure=is_secure, same_site="lax")
    return response


async def _come_back(signing: SigningIn, request: Request) -> Response:
    """The provider sent the browser back; nothing in the address is believed before it is checked."""
    company, keeper = _company(signing, request), signing.runtime.doors.keeper
    answer = dict(request.query_params)
    browser = request.cookies.get(ATTEMPT_COOKIE, "")
    attempt = await keeper.begun(answer.get("state", ""), browser)
    if attempt is None:
        raise await _refused(signing, "signin_state")
    try:
        account = await company.finish(
            answer, _redirect_uri(signing), nonce=attempt.nonce, verifier=attempt.verifier
        )
    except SignInRefusedError as error:
        raise await _refused(signing, f"signin_{error.reason}") from error
    person = await keeper.owner_of_account(account.issuer, account.subject, account.email)
    response = await _signed_in(signing, request, person, how="oidc", reason="signin_unknown")
    drop_cookie(request, response, ATTEMPT_COOKIE)
    return response


async def _signed_in(
    signing: SigningIn, request: Request, person: str | None, *, how: How, reason: str
) -> Response:
    """A fresh session, whatever the browser had before."""
    keeper = signing.runtime.doors.keeper
    secret = None
    if person is not None:
        secret = await keeper.sign_in(person, how, instead_of=session_secret(request))
    if secret is None:
        raise await _refused(signing, reason)
    response = RedirectResponse("/", 303)
    keep_signed_in(request, response, secret)
    return response


async def _refused(signing: SigningIn, reason: str) -> ProblemError:
    """One answer for every reason; the log has which."""
    await signing.runtime.doors.keeper.refuse(reason, None, CALLBACK)
    return ProblemError(Problem(SIGN_IN_REFUSED, SIGN_IN_REFUSED.meaning))


def _company(signing: SigningIn, request: Request) -> CompanySignIn:
    company = signing.runtime.doors.company
    if company is None or signing.runtime.settings.mode == "demo":
        raise ProblemError(nothing_at(request.url.path))
    return company


def _redirect_uri(signing: SigningIn) -> str:
    return (signing.runtime.doors.public_url or "").rstrip("/") + CALLBACK
