"""Administrators: people, groups, invitations, the audit log; and everybody else, who reaches none of it."""

from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from uuid_utils.compat import uuid7

from chatapp.store import users
from chatapp.store.account_tables import invitations
from tests.applications import make_app
from tests.people import PASSWORD, database_of, id_of, join, with_account

NOBODY = str(uuid7())
# Whatever means something to LIKE, to SQL, to a template or to a log.
ODD = ["%", "_", "a%", "' OR 1=1 --", "\\", "{{7*7}}", "İ", "\U0010ffff", "x" * 254]
ODD_CURSORS = ["x", "AA", "bnVsbA", "IiI", "W10", "LTE", "IlxcdTAwMDAi", "eyJ0eXBlIjoibmFtZSIsImtleSI6Ilx1MDAwMCJ9"]
# Times before the first and after the last that there are, in UTC; and what is nested without end.
ODD_CURSORS += [
    urlsafe_b64encode(each.encode()).decode()
    for each in (
        f'{{"type":"newest","created_at":"0001-01-01T00:00:00+14:00","id":"{NOBODY}"}}',
        f'["9999-12-31T23:59:59-14:00","{NOBODY}"]',
        '{"type":"newest","x":' + "[" * 3000,
    )
]


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app(demo_pace_ms=0)


@pytest.fixture(scope="module")
def admin(app: Flask) -> FlaskClient:
    """The first account."""
    return join(app, "admin@example.com")


@pytest.fixture(scope="module")
def ada(app: Flask, admin: FlaskClient) -> FlaskClient:
    """Somebody with an account."""
    return join(app, "ada@example.com")


def ok(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json


def fault_of(response: Any) -> tuple[int, str]:
    assert response.mimetype == "application/problem+json", response.text
    return response.status_code, response.json["code"]


def pages_of(client: FlaskClient, path: str, name: str) -> list[Any]:
    """All of a list, page by page."""
    found: list[Any] = []
    after = ""
    while True:
        page = ok(client.get(f"{path}&after={after}"))
        found += page[name]
        if page["next"] is None:
            return found
        after = page["next"]


def test_everybody_else_is_refused_and_nothing_changes(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """Every route of the area, found in the application itself: a new one is held to it as well."""
    own = str(id_of(ada))
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")]
    before = ok(admin.get("/admin/users"))

    answers = [
        client.open(rule.rule.replace(f"<{name}>", own), method=method, json={"role": "admin", "name": "Mine"})
        for rule in rules
        for name in (next(iter(rule.arguments), ""),)
        for method in rule.methods - {"HEAD", "OPTIONS"}
        for client in (ada, app.test_client())
    ]

    assert len(answers) >= 2 * 15
    assert {fault_of(each) for each in answers} == {(403, "forbidden"), (401, "sign_in_required")}
    assert ok(admin.get("/admin/users")) == before


def test_people_are_listed_and_found_by_how_they_begin(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    people = [("zoe%_1@example.com", "Äda Lovelace"), ("zoe_%2@example.com", "ADA B"), ("b@example.com", "Zoe")]
    database = database_of(app)
    with database.write() as connection:
        for email, name in people:
            users.add(
                connection,
                user_id=uuid7(),
                email=email,
                name=name,
                role="user",
                password_hash=None,
                confirmed_at=None,
            )
    database.close()

    def found(query: str, limit: int = 2) -> list[str]:
        listed = pages_of(admin, f"/admin/users?q={query}&limit={limit}", "users")
        return [each["email"] for each in listed]

    everybody = found("")
    assert everybody[:3] == [email for email, _ in reversed(people)]
    assert len(everybody) == len(set(everybody))
    assert found("ZOE") == ["zoe%_1@example.com", "zoe_%2@example.com", "b@example.com"]
    assert [found("zoe", limit) for limit in (1, 3)] == [found("zoe")] * 2
    assert found("zoe%25") == ["zoe%_1@example.com"]
    assert found("ada") == ["ada@example.com", "zoe_%2@example.com"]
    assert found("a%CC%88da") == ["zoe%_1@example.com"]
    assert [found(each) for each in ("%25", "_", "example.com")] == [[]] * 3


@pytest.mark.parametrize("path", ["/admin/users", "/admin/groups", "/admin/invitations", "/admin/audit"])
def test_odd_queries_find_nothing_and_break_nothing(admin: FlaskClient, path: str) -> None:
    for odd in ODD:
        assert admin.get(path, query_string={"q": odd}).status_code == 200
        if path == "/admin/audit" and odd != "_":
            assert fault_of(admin.get(path, query_string={"kind": odd})) == (400, "bad_request")
    for query in ({"q": "\0"}, {"q": "x" * 255}) if path == "/admin/users" else ():
        assert fault_of(admin.get(path, query_string=query)) == (400, "bad_request")
    assert {fault_of(admin.get(path, query_string={"after": each})) for each in ODD_CURSORS} == {(400, "bad_cursor")}
    assert fault_of(admin.get(path, query_string={"limit": "0"})) == (400, "bad_request")


def test_a_role_counts_from_the_next_request_on(app: Flask, admin: FlaskClient) -> None:
    """Also for who is signed in already, up and down."""
    bob = join(app, "bob@example.com")
    path = f"/admin/users/{id_of(bob)}"

    before = bob.get("/admin/users").status_code
    ok(admin.patch(path, json={"role": "admin"}))
    promoted = bob.get("/admin/users").status_code
    ok(admin.patch(path, json={"role": "user"}))
    demoted = bob.get("/admin/users").status_code

    assert (before, promoted, demoted) == (403, 200, 403)
    events = ok(admin.get(f"/admin/audit?kind=role&person={id_of(bob)}"))["events"]
    assert [(each["actor"]["email"], each["facts"]["role"]) for each in events] == [
        ("admin@example.com", "user"),
        ("admin@example.com", "admin"),
    ]


def test_the_last_administrator_stays(admin: FlaskClient) -> None:
    """Else nobody could ever let anybody in again."""
    path = f"/admin/users/{id_of(admin)}"

    refused = [admin.patch(path, json={"role": "user"}), admin.post(f"{path}/suspend"), admin.delete(path)]

    assert {fault_of(each) for each in refused} == {(409, "last_admin")}
    assert ok(admin.get("/admin/users"))


def test_groups_are_kept_and_given(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    made = ok(admin.post("/admin/groups", json={"name": " The  staff "}), 201)
    other = ok(admin.post("/admin/groups", json={"name": "Guests"}), 201)
    path, user = f"/admin/groups/{made['id']}", f"/admin/users/{id_of(ada)}"

    changed = ok(admin.patch(user, json={"groups": [made["id"], other["id"], made["id"]]}))
    seen = ok(ada.get("/account"))["groups"]
    listed = pages_of(admin, "/admin/groups?limit=1", "groups")
    refused = [
        admin.post("/admin/groups", json={"name": "The staff"}),
        admin.patch(path, json={"name": "Guests"}),
        admin.post("/admin/groups", json={"name": "a\u202eb"}),
        admin.patch(f"/admin/groups/{NOBODY}", json={"name": "x"}),
        admin.patch(user, json={"groups": [NOBODY]}),
        admin.patch(user, json={"groups": ["x"]}),
        admin.patch(user, json={"email": "x@example.com"}),
        admin.patch(user, json={"role": "root"}),
    ]
    renamed = ok(admin.patch(path, json={"name": "Teachers"}))
    admin.delete(f"/admin/groups/{other['id']}")

    assert made["name"] == "The staff"
    assert [each["name"] for each in changed["groups"]] == ["Guests", "The staff"]
    assert [each["name"] for each in seen] == ["Guests", "The staff"]
    assert [(each["name"], each["members"]) for each in listed] == [("Guests", 1), ("The staff", 1)]
    assert [fault_of(each) for each in refused] == [
        (409, "group_exists"),
        (409, "group_exists"),
        (422, "invalid_body"),
        (404, "not_found"),
        *[(422, "invalid_body")] * 4,
    ]
    assert (renamed["name"], renamed["members"]) == ("Teachers", 1)
    assert [each["name"] for each in ok(ada.get("/account"))["groups"]] == ["Teachers"]


def test_an_invitation_lets_one_person_in() -> None:
    """With its role and group, for its address, within its time, once: also when two come at the same moment."""
    app = make_app(access="invite")
    admin = join(app, "admin@example.com")
    group = ok(admin.post("/admin/groups", json={"name": "New"}), 201)

    def invite(**fields: Any) -> Any:
        return ok(admin.post("/admin/invitations", json=fields), 201)

    def register(email: str, secret: str | None) -> Any:
        body = {"email": email, "password": PASSWORD, **({"invitation": secret} if secret else {})}
        return app.test_client().post("/auth/register", json=body)

    for_one = invite(email="Eve@Example.com", role="admin", group_id=group["id"])
    for_any, late = invite(expires_in_days=90), invite()
    with_account(app, "admin@example.com", lambda connection, _: connection.execute(expire(late["id"])))
    withdrawn = invite()
    assert admin.delete(f"/admin/invitations/{withdrawn['id']}").status_code == 204
    secret_of = {each["id"]: each["url"].partition("#")[2] for each in (for_one, for_any, late, withdrawn)}

    refused = [
        register("a@example.com", None),
        register("a@example.com", "x" * 43),
        register("a@example.com", secret_of[for_one["id"]]),
        register("a@example.com", secret_of[late["id"]]),
        register("a@example.com", secret_of[withdrawn["id"]]),
    ]
    ok(register("eve@example.com", secret_of[for_one["id"]]), 202)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(register, ("f@example.com", "g@example.com"), [secret_of[for_any["id"]]] * 2))
    people = {each["email"]: each for each in ok(admin.get("/admin/users"))["users"]}
    listed = ok(admin.get("/admin/invitations"))

    assert for_one["url"].startswith("http://localhost/signup#")
    assert [fault_of(each) for each in refused] == [(403, "invitation_needed"), *[(400, "link_not_valid")] * 4]
    assert sorted(each.status_code for each in both) == [202, 400]
    eve = people["eve@example.com"]
    assert (eve["role"], [each["name"] for each in eve["groups"]]) == ("admin", ["New"])
    assert len(people) == 3
    assert secret_of[for_any["id"]] not in str(listed)
    assert {each["id"]: bool(each["used_by"]) for each in listed["invitations"]} == {
        late["id"]: False,
        for_any["id"]: True,
        for_one["id"]: True,
    }
    for body, fault in (
        ({"email": "x"}, (422, "invalid_body")),
        ({"expires_in_days": 91}, (422, "invalid_body")),
        ({"group_id": NOBODY}, (404, "not_found")),
    ):
        assert fault_of(admin.post("/admin/invitations", json=body)) == fault


def test_an_invitation_ends_with_the_rights_of_who_made_it(app: Flask, admin: FlaskClient) -> None:
    """An administrator who has to go must not come back by a link that they have kept."""
    fay = join(app, "fay@example.com")
    path = f"/admin/users/{id_of(fay)}"
    ok(admin.patch(path, json={"role": "admin"}))
    secret = ok(fay.post("/admin/invitations", json={"role": "admin"}), 201)["url"].partition("#")[2]
    kept = {"email": "fay2@example.com", "password": PASSWORD, "invitation": secret}

    ok(admin.post(f"{path}/suspend"))
    suspended = app.test_client().post("/auth/register", json=kept)
    ok(admin.post(f"{path}/restore"))
    ok(admin.patch(path, json={"role": "user"}))
    demoted = app.test_client().post("/auth/register", json=kept)
    ok(admin.patch(path, json={"role": "admin"}))
    again = app.test_client().post("/auth/register", json=kept)
    ok(admin.patch(path, json={"role": "user"}))

    assert {fault_of(each) for each in (suspended, demoted)} == {(400, "link_not_valid")}
    assert again.status_code == 202


def expire(invitation_id: str) -> Any:
    found = update(invitations).where(invitations.c.id == UUID(invitation_id))
    return found.values(expires_at=invitations.c.created_at)


def test_people_are_signed_out_given_links_and_deleted(app: Flask, admin: FlaskClient) -> None:
    dan = join(app, "dan@example.com")
    path = f"/admin/users/{id_of(dan)}"

    link = ok(admin.post(f"{path}/reset"))["url"]
    ended = admin.delete(f"{path}/sessions")
    seen = dan.get("/account")
    new = {"ticket": link.partition("#")[2], "password": "eleven grey geese in fog"}
    reset = app.test_client().post("/auth/reset", json=new)
    deleted = admin.delete(path)
    missing = [
        admin.delete(path),
        admin.post(f"{path}/suspend"),
        admin.post(f"{path}/restore"),
        admin.patch(path, json={"role": "admin"}),
        admin.delete(f"{path}/sessions"),
        admin.post(f"{path}/reset"),
        admin.delete("/admin/users/x"),
    ]

    assert (ended.status_code, reset.status_code, deleted.status_code) == (204, 204, 204)
    assert fault_of(seen) == (401, "signed_out")
    assert {fault_of(each) for each in missing} == {(404, "not_found")}
    events = ok(admin.get(f"/admin/audit?person={path.rpartition('/')[2]}"))["events"]
    kinds = [each["kind"] for each in events]
    assert kinds[:1] == ["account.deleted"]
    assert {"sessions.ended", "password.link_made", "password.reset"} <= set(kinds)
    assert events[0]["subject"] == {"id": path.rpartition("/")[2], "name": None, "email": None}


def test_the_audit_log_is_read_by_kind_person_and_page(app: Flask, admin: FlaskClient, ada: FlaskClient) -> None:
    """Newest first; a beginning of a kind ends at a dot."""
    path = f"/admin/users/{id_of(ada)}"
    ok(admin.post(f"{path}/suspend"))
    refused = fault_of(ada.get("/account"))
    ok(admin.post(f"{path}/suspend"))
    ok(admin.post(f"{path}/restore"))
    ok(ada.get("/account"))

    everything = pages_of(admin, "/admin/audit?limit=7", "events")
    accounts = pages_of(admin, "/admin/audit?kind=account&limit=2", "events")
    of_ada = pages_of(admin, f"/admin/audit?kind=account&person={id_of(ada)}&limit=1", "events")

    assert refused == (403, "account_suspended")
    ids = [each["id"] for each in everything]
    assert ids == sorted(set(ids), reverse=True)
    assert {each["kind"].partition(".")[0] for each in accounts} == {"account"}
    assert [each for each in everything if each["kind"].startswith("account.")] == accounts
    assert [each["kind"] for each in of_ada] == ["account.restored", "account.suspended", "account.created"]
    assert (of_ada[0]["actor"]["name"], of_ada[0]["subject"]["email"]) == ("admin", "ada@example.com")
    assert pages_of(admin, "/admin/audit?kind=acc&limit=50", "events") == []
