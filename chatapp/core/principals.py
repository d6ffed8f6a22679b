"""Who asks, and what that lets them do."""

from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, get_args
from uuid import UUID

import msgspec

# What a program's credential may be used for: asking models, reading what is kept, changing it, running the server.
Scope = Literal["chat", "read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

Role = Literal["user", "admin"]
Credential = Literal["guest_cookie", "guest_token", "session", "personal_token", "access_token"]

# What a route asks of whoever comes:
#   public   nothing
#   chat     scope `chat`; a guest or a stranger only where ACCESS is `open`
#   read     scope `read`; a guest or a stranger only where ACCESS is `open`
#   write    scope `write`; a guest or a stranger only where ACCESS is `open`
#   account  an account, with the scope `read` to look and `write` to change
#   session  an account that is signed in in this browser: no token can do this
#   recent   the same, and the person proved who they are within the last minutes
#   admin    an administrator, with the scope `admin`
Need = Literal["public", "chat", "read", "write", "account", "session", "recent", "admin"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request comes from, by the id that owns conversations, and by what they proved it.

    `scopes` None is everything that the person may do; `credential_id` is the session's or the token's;
    `confirmed_at` is when the person behind a session last proved who they are.
    """

    owner_id: UUID
    kind: Literal["guest", "user"] = "guest"
    credential: Credential = "guest_cookie"
    credential_id: UUID | None = None
    role: Role = "user"
    scopes: frozenset[Scope] | None = None
    confirmed_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether the credential reaches so far; `admin` needs the role as well."""
        return (self.scopes is None or scope in self.scopes) and (scope != "admin" or self.role == "admin")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from, for the audit log and the list of sessions."""

    address: str = ""
    agent: str = ""
    request_id: str = ""

    @property
    def network(self) -> str:
        """Where attempts are counted together: an IPv4 address; of IPv6 the /64, of which one household has all."""
        try:
            found = ip_address(self.address)
        except ValueError:
            return self.address
        if not isinstance(found, IPv6Address):
            return str(found)
        return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))
