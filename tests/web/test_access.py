"""Who may call which route: the table in docs/security.md is exactly what calling them all comes to."""

from tests.access import documented
from tests.access.table import CALLERS, Outcomes, Route, measured


def surprises(found: Outcomes) -> list[str]:
    """What the table may not say, whatever was found: refusals that are missing, and owners who are refused."""
    return [
        f"{route.method} {route.rule} as {name}: {said}"
        for route, row in found.items()
        for name, said in row.items()
        if not is_expected(route, name, said)
    ]


def is_expected(route: Route, name: str, said: str) -> bool:
    if route.need == "public":
        # What was found is compared with the document; signing in with a suspended account is refused.
        return said < "4" or name == "suspended user"
    if name in ("anonymous", "guest"):
        if not route.has_guests:
            return said[:3] in ("401", "303")
        return said.startswith("404") if route.names and name == "anonymous" else said < "3"
    if name in ("owner", "unproven") and route.need != "admin":
        return said < "3" or (name, route.need, said) == ("unproven", "recent", "403 confirmation_needed")
    if name == "owner" or (name == "other user" and route.need == "admin"):
        return said == "403 forbidden"
    if name == "admin" and route.need != "admin" and route.names:
        return said == "404 not_found"
    if name == "other user":
        return said == "404 not_found" if route.names else said < "3"
    if name in ("admin", "unproven"):
        return said < "3"
    no_token = "403 forbidden" if route.need in ("session", "recent") else "403 scope_missing"
    refusals = {
        "suspended user": "403 account_suspended",
        "expired token": "401 invalid_credential",
        "under-scoped token": no_token,
    }
    return said == refusals[name]


def test_the_table_says_what_every_route_does_for_everybody() -> None:
    """`python -m tests.access --write` writes it anew, after a look at what has changed."""
    found, table = measured()

    assert surprises(found) == []
    assert all(list(row) == list(CALLERS) for row in found.values())
    assert documented().strip().splitlines() == table.splitlines()
