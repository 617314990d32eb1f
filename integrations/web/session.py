"""Who uses the page, and whether a form comes from it."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from copilot.people import Person
from integrations.access.identity import identity_in
from integrations.api.guard import USER_COOKIE, same_origin, session_cookie
from integrations.api.problems import FOREIGN_ORIGIN, Problem, ProblemError

TOKEN_COOKIE = "copilot_form"  # noqa: S105  # the cookie's name
TOKEN_FIELD = "form_token"  # noqa: S105  # the field's name
_MIN_TOKEN_CHARS = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `person` is `None` where nobody is signed in."""

    person: Person | None
    token: str
    is_new: bool
    is_secure: bool = False
    """Whether the browser came over https, and so keeps its cookies to it."""

    def keep(self, response: Response) -> Response:
        """Give the browser its token, if it has none."""
        if self.is_new:
            set_cookie(response, TOKEN_COOKIE, self.token, secure=self.is_secure)
        return response


def session_of(request: Request) -> Session:
    """The session of a request; a browser without one gets a fresh token."""
    token = request.cookies.get(TOKEN_COOKIE, "")
    is_new = len(token) < _MIN_TOKEN_CHARS
    identity = identity_in(request.scope)
    person = identity.person if identity else None
    return Session(
        person, secrets.token_urlsafe() if is_new else token, is_new, _is_secure(request)
    )


def choose_user(response: Response, user: str) -> None:
    """Demonstration only: who the browser asks as from now on."""
    set_cookie(response, USER_COOKIE, user)


async def checked_form(request: Request) -> FormData:
    """The form of a page of ours. Raises `ProblemError` for one from anywhere else."""
    form = await request.form(max_files=0, max_fields=20)
    sent, kept = form.get(TOKEN_FIELD), request.cookies.get(TOKEN_COOKIE, "")
    is_ours = isinstance(sent, str) and len(kept) >= _MIN_TOKEN_CHARS and _equal(sent, kept)
    if not (is_ours and same_origin(request)):
        raise ProblemError(Problem(FOREIGN_ORIGIN, FOREIGN_ORIGIN.meaning))
    return form


def field(form: FormData, name: str) -> str | None:
    """A text of the form; `None` when it is missing or empty."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) and value else None


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def keep_signed_in(request: Request, response: Response, secret: str) -> None:
    """Give the browser its session. `lax`: coming from the provider's page it must be sent along."""
    set_cookie(
        response, session_cookie(request), secret, secure=_is_secure(request), same_site="lax"
    )


def set_cookie(
    response: Response,
    name: str,
    value: str,
    *,
    secure: bool = False,
    same_site: Literal["lax", "strict"] = "strict",
) -> None:
    response.set_cookie(name, value, httponly=True, samesite=same_site, secure=secure, path="/")


def drop_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", httponly=True, secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
