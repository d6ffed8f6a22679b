"""`GET /api` and the page that shows the API."""

from html.parser import HTMLParser

from flask.testing import FlaskClient

from chatapp.version import VERSION
from tests.applications import make_app


class Links(HTMLParser):
    """Every address that a page makes a browser fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("src") if tag in ("script", "img", "source") else given.get("href") if tag == "link" else ""
        if address and given.get("rel") != "canonical":
            self.found.append(address)


def test_the_api_introduces_itself(client: FlaskClient) -> None:
    """Whoever finds the address finds everything else from there."""
    answered = client.get("/api").json

    assert (answered["name"], answered["version"]) == ("chatapp", VERSION)
    assert client.get(answered["openapi"]).json["info"]["version"] == VERSION
    assert client.get(answered["docs"]).mimetype == "text/html"
    assert {"method": "POST", "path": "/chat/stream", "summary": "Answer one message, event by event"} in answered[
        "endpoints"
    ]


def test_two_applications_of_a_process_keep_their_own_settings() -> None:
    """Tests and tools make several, and one must not answer by the other's rules."""
    open_app, closed_app = (
        make_app(site_name=name, cors_origins=origins)
        for name, origins in (("Open", ("*",)), ("Closed", ("https://shop.example",)))
    )

    answers = [
        app.test_client().get("/api", headers={"Origin": "https://any.example"}) for app in (open_app, closed_app)
    ]

    assert [each.json["name"] for each in answers] == ["Open", "Closed"]
    assert [each.headers.get("Access-Control-Allow-Origin") for each in answers] == ["*", None]


def test_the_page_of_the_api_fetches_nothing_from_elsewhere(client: FlaskClient) -> None:
    """No CDN learns who reads it, and it works without a network."""
    links = Links(client.get("/api/docs").text).found

    assert any("swagger" in link for link in links)
    for link in links:
        assert link.startswith("/")
        assert not link.startswith("//")
        assert client.get(link).status_code == 200, link
