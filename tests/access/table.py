"""Every route called as everybody, and the tables of what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
from flask import g, url_for
from werkzeug.routing import Rule

from chatapp.core.principals import SCOPES, Need, Scope
from chatapp.web.access import SCOPE_OF, need_of
from tests.access.calls import CALLS, CHANGING, FILES, Call, values_for
from tests.access.people import SITE, Person, World

_addresses = count(1)


class Route(msgspec.Struct, frozen=True):
    """One method of one address; `names` are the things that the address names."""

    method: str
    rule: str
    endpoint: str
    need: Need
    names: frozenset[str]
    is_page: bool

    @property
    def has_guests(self) -> bool:
        """Guests can have what it is about."""
        return self.need in SCOPE_OF


@dataclass
class Caller:
    """Who calls a route: with a person's cookies, or with a token."""

    person: Person | None = None
    token: str = ""


Outcomes = dict[Route, dict[str, str]]
# Gives who calls, and whose the things are that the route's address names.
MakeCaller = Callable[[World, Route], tuple[Caller, Person]]


def routes_of(world: World) -> list[Route]:
    """Return every route of the application, by address."""
    found = [
        _route(world, rule, method)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(found, key=lambda each: (each.rule, each.method))


def _route(world: World, rule: Rule, method: str) -> Route:
    view = world.app.view_functions[rule.endpoint]
    need = need_of(view)
    assert need is not None
    names = frozenset() if rule.endpoint in FILES else frozenset(rule.arguments)
    return Route(method, rule.rule, rule.endpoint, need, names, is_page=not hasattr(view, "operation"))


def _anonymous(world: World, route: Route) -> tuple[Caller, Person]:
    return Caller(), _somebody(world, route, "somebody")


def _guest(world: World, route: Route) -> tuple[Caller, Person]:
    """With things of their own, where guests can have some."""
    guest = world.guest()
    is_own = route.has_guests and world.has_guests
    return Caller(guest), guest if is_own else _somebody(world, route, "somebody")


def _owner(world: World, route: Route) -> tuple[Caller, Person]:
    owner = _somebody(world, route, "owner")
    return Caller(owner), owner


def _other_user(world: World, route: Route) -> tuple[Caller, Person]:
    """Somebody who is signed in as well; where the address names nothing, for themselves."""
    other = _somebody(world, route, "other")
    return Caller(other), _somebody(world, route, "owner") if route.names else other


def _admin(world: World, route: Route) -> tuple[Caller, Person]:
    admin = _somebody(world, route, "admin", "admin")
    return Caller(admin), _somebody(world, route, "owner") if route.names else admin


def _whoever_may(world: World, route: Route) -> tuple[Caller, Person]:
    """Who is suspended, or has long proved who they are, once everything is there; see `outcome`."""
    somebody = _somebody(world, route, "whoever may", "admin" if route.need == "admin" else "user")
    return Caller(somebody), somebody


def _expired_token(world: World, route: Route) -> tuple[Caller, Person]:
    _, bearer = _whoever_may(world, route)
    return Caller(token=world.token(bearer, _all_scopes(bearer), is_expired=True)), bearer


def _under_scoped_token(world: World, route: Route) -> tuple[Caller, Person]:
    """With every scope but the one that is needed; with all of them where none is."""
    _, bearer = _whoever_may(world, route)
    return Caller(token=world.token(bearer, _all_scopes(bearer) - {_scope_for(route)})), bearer


CALLERS: dict[str, MakeCaller] = {
    "anonymous": _anonymous,
    "guest": _guest,
    "owner": _owner,
    "other user": _other_user,
    "suspended user": _whoever_may,
    "admin": _admin,
    "unproven": _whoever_may,
    "expired token": _expired_token,
    "under-scoped token": _under_scoped_token,
}
STRANGERS = ("anonymous", "guest")


def _somebody(world: World, route: Route, name: str, role: str = "user") -> Person:
    return world.person(role) if route.endpoint in CHANGING else world.known(name, role)


def _all_scopes(person: Person) -> set[Scope]:
    return {scope for scope in SCOPES if scope != "admin" or person.principal.role == "admin"}


def _scope_for(route: Route) -> Scope | None:
    if route.need == "admin":
        return "admin"
    if route.need == "account":
        return "read" if route.method == "GET" else "write"
    return SCOPE_OF.get(route.need)


def outcomes(world: World, callers: tuple[str, ...] = tuple(CALLERS)) -> Outcomes:
    """Call every route as each of these."""
    return {route: {name: outcome(world, route, name) for name in callers} for route in routes_of(world)}


def outcome(world: World, route: Route, name: str) -> str:
    """Call a route as somebody, and return the status, with the code of a refusal."""
    caller, whose = CALLERS[name](world, route)
    values = values_for(world, route.endpoint, route.names, whose)
    has_account = caller.person is not None and caller.person.user is not None
    arrange = CALLS.get(route.endpoint)
    call = Call()
    if arrange is not None:
        call = arrange(world, caller.person if has_account and not route.names else whose)  # type: ignore[arg-type]
    if caller.person is not None and name == "suspended user":
        world.suspend(caller.person)
    if caller.person is not None and name == "unproven":
        world.prove(caller.person, ago=timedelta(hours=1))
    said = _send(world, route, caller, values, call)
    if caller.person is not None and name == "suspended user":
        world.suspend(caller.person, until=True)
    if caller.person is not None and name == "unproven":
        world.prove(caller.person, ago=timedelta())
    return said


def _send(world: World, route: Route, caller: Caller, values: dict[str, str], call: Call) -> str:
    client = world.browser(caller.person)
    for cookie, value in call.cookies.items():
        client.set_cookie(cookie, value)
    headers = {"Accept": "text/html" if route.is_page else "application/json"}
    if caller.token:
        headers["Authorization"] = f"Bearer {caller.token}"
    with world.app.test_request_context(base_url=SITE):
        path = url_for(route.endpoint, **values)
    number = next(_addresses)
    with client:
        answered: Any = client.open(
            path,
            method=route.method,
            json=call.json,
            data=call.form,
            query_string=call.query,
            headers=headers,
            # Nobody is refused because of what others tried from the same address.
            environ_overrides={"REMOTE_ADDR": f"10.0.{number // 250}.{number % 250 + 1}"},
        )
        assert answered.status_code < 500, (route, answered.text)
        # A page says it in words.
        code = f" {g.outcome}" if answered.status_code >= 400 else ""
        return f"{answered.status_code}{code}"


LEGEND = """\
Every route of a site with `ACCESS=open`, called by `tests/web/test_access.py` as everybody, and what came of it: the
status, and the code of what was refused. What an address names is the owner's; a guest calls with things of their own
where guests can have some. *Unproven* is who may, but an hour after they proved who they are. The *expired* token and
the *under-scoped* one, which has every scope but the one that is needed, are theirs too."""


def rendered(opened: Outcomes, closed: dict[str, Outcomes]) -> str:
    """Return both tables in Markdown: of an open site, and where other sites, by `ACCESS`, differ for strangers."""
    head = ["Route", "needs", *CALLERS]
    rows = [[f"`{each.method} {each.rule}`", each.need, *found.values()] for each, found in opened.items()]
    columns = [(mode, name) for mode in closed for name in STRANGERS]
    others = [
        [f"`{route.method} {route.rule}`", *(closed[mode][route][name] for mode, name in columns)]
        for route in opened
        if any(closed[mode][route][name] != opened[route][name] for mode, name in columns)
    ]
    return "\n\n".join(
        [
            LEGEND,
            _table(head, rows),
            "For strangers, other sites differ from an open one in these routes:",
            _table(["Route", *(f"{name}, `ACCESS={mode}`" for mode, name in columns)], others),
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured() -> tuple[Outcomes, str]:
    """Call everything, and return what came of it on an open site, and all as tables."""
    found = {}
    for mode in ("open", "signin", "invite"):
        world = World(access=mode)
        try:
            found[mode] = outcomes(world, tuple(CALLERS) if mode == "open" else STRANGERS)
        finally:
            world.close()
    opened = found.pop("open")
    return opened, rendered(opened, found)
