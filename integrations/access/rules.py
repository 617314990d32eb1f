"""What each route requires, in one table. A route without a row is refused to everybody."""

from collections.abc import Mapping
from typing import Literal

from integrations.access.identity import Identity, is_agent

Requirement = Literal["open", "demo", "signed_in", "agent", "operator", "admin"]
"""`open` is for strangers too, `demo` exists in a demonstration alone, `operator` is the platform team."""

RULES: Mapping[tuple[str, str], Requirement] = {
    # Asking: only as oneself; the routes compare, see `may_ask_as`.
    ("POST", "/v1/ask"): "signed_in",
    ("POST", "/v1/feedback"): "signed_in",
    ("GET", "/v1/threads/{thread_id:path}"): "signed_in",
    ("GET", "/"): "signed_in",
    ("POST", "/messages"): "signed_in",
    ("GET", "/messages/{inquiry_id:path}/events"): "signed_in",
    ("POST", "/feedback"): "signed_in",
    ("POST", "/user"): "demo",
    # What it is told is signed, and only a hint to look.
    ("POST", "/v1/tickets/events"): "open",
    # Cases: agents see those of their queues, everybody their own; the pages filter.
    ("GET", "/cases"): "signed_in",
    ("GET", "/cases/threads/{thread_id:path}"): "signed_in",
    ("GET", "/cases/{ticket_id}"): "signed_in",
    # Where agents work; the pages keep to their queues.
    ("GET", "/queue"): "agent",
    ("GET", "/queue/events"): "agent",
    ("GET", "/queue/{ticket_id}"): "agent",
    ("POST", "/queue/{ticket_id}/{deed}"): "agent",
    # What agents say in one's own conversation.
    ("GET", "/news"): "signed_in",
    # Signing in and out.
    ("GET", "/signin"): "open",
    ("GET", "/signin/link/{secret}"): "open",
    ("POST", "/signin/link"): "open",
    ("GET", "/signin/company"): "open",
    ("GET", "/signin/callback"): "open",
    ("POST", "/signout"): "signed_in",
    # Operation. Load balancers ask without a token and get no reasons; counters tell of business.
    ("GET", "/healthz"): "open",
    ("GET", "/readyz"): "open",
    ("GET", "/metrics"): "operator",
    ("GET", "/v1/about"): "signed_in",
    # Documents. A stranger may read what a problem means, and nothing of the interface.
    ("GET", "/problems/{slug}"): "open",
    ("GET", "/schemas/{name}.json"): "signed_in",
    ("GET", "/openapi.json"): "signed_in",
    ("GET", "/static/{path:path}"): "open",
}


def permits(requirement: Requirement, identity: Identity | None) -> bool:
    """Whether a route with this requirement is for them."""
    if requirement == "open":
        return True
    if identity is None:
        return False
    if requirement == "signed_in":
        return True
    if requirement == "demo":
        return identity.how == "demo"
    if requirement == "agent":
        return is_agent(identity)
    # What operators and administrators see is harmless where everybody may be anybody.
    needed = {"admin"} if requirement == "admin" else {"admin", "platform"}
    return identity.how == "demo" or bool(identity.roles & needed)
