"""Everything that the HTTP doors need to know who comes in."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from integrations.access.doorkeeper import Doorkeeper
from integrations.access.limiting import Limiter
from integrations.access.signing_in import CompanySignIn


@dataclass(frozen=True, slots=True)
class Doors:
    """`company` is the provider where people sign in; `None` is by one-time links."""

    keeper: Doorkeeper
    limiter: Limiter
    company: CompanySignIn | None = None
    public_url: str | None = None
    """Where browsers find the server, if not at the address it listens on."""
    allowed_hosts: tuple[str, ...] = ()
    forwarded_hops: int = 0
    """How many proxies in front add to `X-Forwarded-For`; 0 believes no such header."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names besides loopback to which requests may be addressed."""
        named = urlsplit(self.public_url or "").hostname
        return (*self.allowed_hosts, named) if named else self.allowed_hosts

    def scheme_of(self, scheme: str, host: str) -> str:
        """How the browser reached `host`: behind a proxy that encrypts it is not what arrives here."""
        public = urlsplit(self.public_url or "")
        return public.scheme if public.netloc and public.netloc == host else scheme

    def address(self, peer: str, forwarded: str) -> str:
        """Whose request it is: what the outermost of our own proxies saw."""
        if self.forwarded_hops == 0:
            return peer
        seen = [part.strip() for part in forwarded.split(",") if part.strip()]
        return seen[-self.forwarded_hops] if len(seen) >= self.forwarded_hops else peer
