"""The pages as they leave the server: whole, inert, and with no dead link."""

import json
import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from tests.applications import make_app

PAGES = ("/", "/chat", "/service", "/api/docs", "/signin", "/signup", "/forgotten", "/reset", "/verify")
VOID = {"meta", "link", "br", "hr", "img", "input", "source", "path", "circle", "rect", "line", "use", "wbr"}


class Page(HTMLParser):
    """What the rules below look at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.title = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag not in VOID else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        if self._inside == "script" and data.strip():
            self.scripts.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(params=PAGES)
def shown(request: pytest.FixtureRequest, client: FlaskClient) -> Page:
    answered = client.get(request.param)
    assert answered.status_code == 200
    return Page(answered.text)


def test_a_page_has_what_every_page_needs(shown: Page) -> None:
    """For people, screen readers, phones and search engines alike."""
    assert shown.html.lower().startswith("<!doctype html>")
    assert shown.all("html")[0]["lang"]
    assert shown.title.strip()
    assert len(shown.all("h1")) == 1
    assert len(shown.all("main")) == 1
    names = {attributes.get("name") for attributes in shown.all("meta")}
    assert {"viewport", "description"} <= names


def test_a_page_runs_and_styles_nothing_inline(shown: Page) -> None:
    """The policy forbids it, so it would silently not work."""
    for tag, attributes in shown.tags:
        assert tag != "style"
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
    types = {attributes.get("type") for attributes in shown.all("script") if "src" not in attributes}
    assert types <= {"application/json"}


def test_a_page_fetches_only_what_is_here(shown: Page, client: FlaskClient) -> None:
    """A missing style sheet is a broken page; a foreign one is a reader told on."""
    wanted = [each["src"] for name in ("script", "img") for each in shown.all(name) if each.get("src")]
    wanted += [each["href"] for each in shown.all("link") if each.get("rel") != "canonical"]

    for address in wanted:
        assert address is not None
        assert re.match(r"/[^/]", address), address
        assert client.get(address).status_code == 200, address


def test_the_links_of_a_page_lead_somewhere(shown: Page, client: FlaskClient) -> None:
    """Also those within the page."""
    ids = {attributes.get("id") for _, attributes in shown.tags}
    for attributes in shown.all("a"):
        href = attributes.get("href") or ""
        path, _, fragment = href.partition("#")
        if path.startswith("/"):
            linked = client.get(path)
            assert linked.status_code == 200, href
            assert not fragment or f'id="{fragment}"' in linked.text, href
        elif href.startswith("#"):
            assert fragment in ids, href
        else:
            assert href in ("", "?") or re.match(r"(mailto|tel):", href), href


def test_ids_are_given_once(shown: Page) -> None:
    """Labels and scripts find the first only."""
    ids = [attributes["id"] for _, attributes in shown.tags if attributes.get("id")]

    assert sorted(ids, key=str) == sorted(set(ids), key=str)


def test_the_operators_name_and_contacts_stand_on_the_pages() -> None:
    """And they are text, whatever is in them."""
    app = make_app(
        site_name="Bait & <b>Tackle</b>",
        contact_phone="+1 555 0199",
        contact_email="bait@example.com",
        base_url="https://chat.example.com",
    )

    html = app.test_client().get("/").text

    assert "Bait &amp; &lt;b&gt;Tackle&lt;/b&gt;" in html
    assert "<b>Tackle" not in html
    assert "+1 555 0199" in html
    assert "mailto:bait@example.com" in html
    assert '<link rel="canonical" href="https://chat.example.com/">' in html


def test_the_chat_pages_script_is_told_what_it_needs(client: FlaskClient) -> None:
    """As data, which no browser runs."""
    [raw] = Page(client.get("/chat").text).scripts
    data = json.loads(raw)

    assert data["default_model"] == "demo"
    assert data["demo"] is True
    assert data["models"] == client.get("/models").json["models"]
    assert data["conversation"] is None
    assert data["messages"] == []
    assert data["has_guest"] is False


def test_the_widget_may_be_fetched_from_any_site(client: FlaskClient) -> None:
    """It is made for other people's pages; its address never changes, so it is kept for minutes only."""
    widget = client.get("/widget.js")

    assert widget.mimetype in {"text/javascript", "application/javascript"}
    assert widget.headers["Access-Control-Allow-Origin"] == "*"
    assert widget.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert widget.headers["Cache-Control"] == "public, max-age=300"


def test_crawlers_are_welcome(client: FlaskClient) -> None:
    """The landing page is there to be found."""
    assert client.get("/robots.txt").text == "User-agent: *\nAllow: /\n"
