"""How each route is called so that it works for whoever may call it: with real things of real people."""

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from uuid_utils.compat import uuid7

from tests.access.people import SITE, Person, World, next_number
from tests.people import PASSWORD
from tests.web.authenticator import Authenticator

NEW_PASSWORD = "nine otters dive at dusk"


class Call(msgspec.Struct):
    """What is sent beside the method and the path; `cookies` go along with the caller's own."""

    json: Any = None
    form: dict[str, str] | None = None
    query: dict[str, str] = {}
    cookies: dict[str, str] = {}


Arrange = Callable[[World, Person], Call]


def _sends(**body: Any) -> Arrange:
    return lambda _world, _person: Call(json=body)


def _asks(**query: str) -> Arrange:
    return lambda _world, _person: Call(query=query)


def _signs_in(_world: World, person: Person) -> Call:
    return Call(json={"email": person.email, "password": PASSWORD})


def _takes_second_step(world: World, person: Person) -> Call:
    return Call(json={"ticket": world.ticket("second_factor", person), "code": world.recovery_code(person)})


def _takes_second_step_by_form(world: World, person: Person) -> Call:
    return Call(form=_takes_second_step(world, person).json)


def _uses_passkey(world: World, person: Person) -> Call:
    return Call(json=world.used_passkey(person))


def _adds_passkey(world: World, person: Person) -> Call:
    offered = world.browser(person).post("/account/passkeys/options").json
    made = Authenticator(SITE).create(offered["options"])
    return Call(json={"ticket": offered["ticket"], "credential": made, "name": "Phone"})


def _has_link(kind: str, **more: str) -> Arrange:
    return lambda world, person: Call(json={"ticket": world.ticket(kind, person), **more})


def _comes_back(world: World, _person: Person) -> Call:
    world.provider.behave()
    client = world.app.test_client()
    page = client.post("/auth/oidc").text
    address = page.partition('http-equiv="refresh" content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
    state = parse_qs(urlsplit(address).query)["state"][0]
    kept = client.get_cookie("chatapp_sign_in")
    assert kept is not None
    return Call(
        query={"state": state, "code": world.provider.code_for(address)}, cookies={"chatapp_sign_in": kept.value}
    )


def _with_totp(world: World, person: Person) -> Call:
    world.recovery_code(person)
    return Call()


def _signs_program_out(world: World, person: Person) -> Call:
    given = world.app.test_client().post(
        "/auth/token", json={"grant_type": "password", "email": person.email, "password": PASSWORD}
    )
    return Call(json={"refresh_token": given.json["refresh_token"]})


# What a route is sent; those that are missing here take nothing.
CALLS: dict[str, Arrange] = {
    "account.change_account": _sends(name="Ada"),
    "account.change_password": _sends(password=NEW_PASSWORD, current=PASSWORD),
    "account.delete_account": lambda _world, person: Call(json={"email": person.email}),
    "account_pages.forgotten_by_form": lambda *_: Call(form={"email": f"{uuid7()}@example.com"}),
    "account_pages.second_step_by_form": _takes_second_step_by_form,
    "admin_groups.create_group": lambda *_: Call(json={"name": f"New group {next_number()}"}),
    "admin_groups.rename_group": lambda *_: Call(json={"name": f"Other group {next_number()}"}),
    "admin_invitations.invite": _sends(),
    "admin_users.change_user": _sends(role="admin"),
    "api.chat.answer_message": _sends(message="Hello"),
    "api.chat.stream_answer": _sends(message="Hello"),
    "api.chat.count_tokens": _sends(message="Hello"),
    "api.conversations.create": _sends(title="Birds"),
    "api.conversations.change": _sends(pinned=True),
    "api.conversations.change_message": _sends(pinned=True),
    "api.conversations.search": _asks(q="birds"),
    "api.guests.become_guest": _sends(),
    "api.memory.add_fact": _sends(text="I sail."),
    "api.memory.change_fact": lambda *_: Call(json={"text": f"I keep {next_number()} bees."}),
    "api.memory.switch_memory": _sends(enabled=True),
    "auth.confirm": _sends(password=PASSWORD),
    "auth.register": lambda *_: Call(json={"email": f"{uuid7()}@example.com", "password": PASSWORD}),
    "auth.sign_in": _signs_in,
    "auth.sign_out": _sends(),
    "oidc.come_back": _comes_back,
    "passkeys.add_passkey": _adds_passkey,
    "passkeys.confirm_with_passkey": _uses_passkey,
    "passkeys.rename_passkey": _sends(name="Key ring"),
    "passkeys.sign_in_with_passkey": _uses_passkey,
    "personal_tokens.make_personal_token": _sends(name="Reader", scopes=["read"]),
    "program_tokens.give_tokens": lambda _world, person: Call(
        json={"grant_type": "password", "email": person.email, "password": PASSWORD}
    ),
    "program_tokens.revoke_tokens": _signs_program_out,
    "provider_keys.save_provider_key": lambda *_: Call(
        json={"name": f"New key {next_number()}", "key": "sk-own-0123456789"}
    ),
    "recovery.ask_for_link": lambda *_: Call(json={"email": f"{uuid7()}@example.com"}),
    "recovery.reset_password": _has_link("reset", password=NEW_PASSWORD),
    "recovery.verify_address": _has_link("verify"),
    "second_factor.confirm_totp": lambda world, person: Call(json={"code": world.begun_totp(person)}),
    "second_factor.finish_sign_in": _takes_second_step,
    "second_factor.renew_recovery_codes": _with_totp,
    "second_factor.turn_totp_off": _with_totp,
}

# These end a session, begin one, or change what an account is: who calls them is nobody else afterwards.
CHANGING = frozenset(
    {
        "account.change_password",
        "account.delete_account",
        "account.end_other_sessions",
        "account_pages.second_step_by_form",
        "auth.confirm",
        "auth.sign_in",
        "auth.sign_out",
        "oidc.come_back",
        "oidc.unlink",
        "passkeys.confirm_with_passkey",
        "passkeys.sign_in_with_passkey",
        "recovery.reset_password",
        "second_factor.begin_totp",
        "second_factor.confirm_totp",
        "second_factor.finish_sign_in",
        "second_factor.renew_recovery_codes",
        "second_factor.turn_totp_off",
    }
)

# What a route's address names, as a thing of this person's.
THINGS: dict[str, Callable[[World, Person], str]] = {
    "conversation_id": lambda world, person: world.conversation(person),
    "message_id": lambda world, person: world.talk(person)["message_id"],
    "run_id": lambda world, person: world.talk(person)["run_id"],
    "fact_id": lambda world, person: world.fact(person),
    "session_id": lambda world, person: world.session(person),
    "token_id": lambda world, person: world.personal_token(person),
    "key_id": lambda world, person: world.provider_key(person),
    "passkey_id": lambda world, person: world.passkey(person)[0],
    "host": lambda world, person: world.identity(person),
    "group_id": lambda world, _person: world.group(),
    "invitation_id": lambda world, _person: world.invitation(),
    "user_id": lambda world, _person: str(world.person().principal.owner_id),
}
# Parts of an address that name a file.
FILES = {
    "assets.static_file": {"version": "any", "path": "css/base.css"},
    "docs.files": {"path": "css/swagger-ui.css"},
}


def values_for(world: World, endpoint: str, names: Collection[str], owner: Person) -> dict[str, str]:
    """Return what stands in an address's places."""
    if endpoint in FILES:
        return FILES[endpoint]
    if "message_id" in names:
        return {name: world.talk(owner)[name] for name in names}
    return {name: THINGS[name](world, owner) for name in names}
