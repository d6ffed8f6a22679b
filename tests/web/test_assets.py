"""Static files: kept for ever under an address that changes with them."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from chatapp.config import ROOT
from tests.wire.reader import get, send

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))
SHEETS = sorted((ROOT / "static").rglob("*.css"))


def address_of(client: FlaskClient, path: str) -> str:
    """The versioned address under which pages link `path`."""
    [digest] = set(re.findall(r"/static/([0-9a-f]{12})/", client.get("/").text))
    return f"/static/{digest}/{path}"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_file_under_its_present_address_is_kept_for_ever(client: FlaskClient) -> None:
    """The second visit asks for nothing but the page."""
    answered = client.get(address_of(client, "css/base.css"))

    assert answered.status_code == 200
    assert answered.mimetype == "text/css"
    assert answered.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answered.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_under_an_old_address_is_not_kept(client: FlaskClient) -> None:
    """A page of yesterday still works, but must not pin today's file to yesterday's name."""
    answered = client.get("/static/000000000000/css/base.css")

    assert answered.status_code == 200
    assert answered.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["nothing.css", "../wsgi.py", "%2e%2e/wsgi.py", "css/../../wsgi.py", "css", "", "/etc/passwd"]
)
def test_nothing_but_static_files_is_served(client: FlaskClient, path: str) -> None:
    """The folder's name is not a door to the machine."""
    assert client.get(address_of(client, path)).status_code in {404, 308}


def test_a_browser_that_has_the_file_gets_no_second_copy(client: FlaskClient) -> None:
    """Also under an old address."""
    address = "/static/000000000000/css/base.css"
    tag = client.get(address).headers["ETag"]

    answered = client.get(address, headers={"If-None-Match": tag})

    assert (answered.status_code, answered.data) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/chat", "/service"])
def test_text_is_sent_compressed_to_who_takes_it(site: str, client: FlaskClient, path: str) -> None:
    """On a phone most of the wait for a page is its bytes."""
    for address in (path, address_of(client, "css/base.css"), "/widget.js", "/models"):
        plain = get(site, address)
        packed = get(site, address, {"Accept-Encoding": "gzip"})

        assert plain.headers["Content-Encoding"] is None, address
        assert packed.headers["Content-Encoding"] == "gzip", address
        assert "Accept-Encoding" in packed.headers["Vary"], address
        assert len(packed.body) < len(plain.body) / 2, address


def test_a_stream_is_never_compressed(site: str) -> None:
    """The compressor would hold words back until it has a block of them."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, br, zstd"}

    reply = send(site, "POST", "/chat/stream", b'{"message": "Hi"}', headers)

    assert reply.headers["Content-Encoding"] is None
    assert reply.answer


@pytest.mark.parametrize("path", ["/", "/chat", "/widget.js", "/health", "/models", "/api/openapi.json"])
def test_head_is_get_without_the_body(site: str, path: str) -> None:
    """Monitors and link checkers ask so."""
    head, whole = send(site, "HEAD", path, None, {}), get(site, path)

    assert (head.status, head.body) == (whole.status, b"") == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_what_a_template_links_exists(template: Path) -> None:
    """A misspelt name shows only as a page that looks odd."""
    linked = re.findall(r"asset\(\s*['\"]([^'\"]+)['\"]\s*\)", template.read_text("utf-8"))

    assert [path for path in linked if not (ROOT / "static" / path).is_file()] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_what_a_script_imports_exists(script: Path) -> None:
    """One missing module stops all the others of a page."""
    imported = re.findall(r"\b(?:from|import)\s*\(?[\"'](\.{1,2}/[^\"']+)[\"']", script.read_text("utf-8"))

    assert [path for path in imported if not (script.parent / path).is_file()] == []


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS], ids=name_of)
def test_no_static_file_fetches_from_elsewhere(path: Path) -> None:
    """The policy forbids it, and readers are nobody else's business."""
    text = path.read_text("utf-8")

    assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", text)
    assert not re.search(r"(?:from|import|fetch\()\s*[\"'`]https?://", text)
