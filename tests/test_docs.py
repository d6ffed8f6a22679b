"""The documentation says what the code does: settings, errors, dependencies, examples, links."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import msgspec
import pytest

from chatapp.config import ROOT, Config, env_names
from chatapp.errors import AppError
from chatapp.web import conversation_results, guests, memory, program_tokens, results
from chatapp.web.errors import HTTP_FAULTS
from tests.conftest import StartServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.reader import Payload, Reply, get, send
from tests.wire.upstream import Upstream

DOCS = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), *(ROOT / "bench").glob("*.md")])
LOCAL = "http://127.0.0.1:8000"
OWN_KEY = "sk-own-0123456789"


class Example(NamedTuple):
    """A fenced block of a document."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def examples_in(document: Path) -> Iterator[Example]:
    text = document.read_text("utf-8")
    for found in re.finditer(r"^( *)```(\w+)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, found.start()) + 1
        yield Example(document.name, line, found[2], re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE))


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of every table row, without heads and rulers."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in markdown.splitlines()
        if line.startswith("|")
    ]
    heads = {index - 1 for index, row in enumerate(rows) if set("".join(row)) <= set(":- ")}
    return [row for index, row in enumerate(rows) if index not in heads and index - 1 not in heads]


EXAMPLES = [example for document in DOCS for example in examples_in(document)]
COMMANDS = [
    pytest.param(command, id=f"{example}-{command[:50]}")
    for example in EXAMPLES
    if example.language in ("sh", "console")
    for command in re.sub(r"\\\n", " ", example.text).replace("\n$ ", "\n\0").removeprefix("$ ").split("\0")
    if "curl" in command and LOCAL in command
]


# Settings.


def shown(value: object) -> str:
    """A default as the table shows it."""
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}/`"
    text = " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{text}`" if value not in ("", None, ()) else ""


def test_the_readme_lists_every_setting_as_it_is() -> None:
    """The one table of all settings: names, defaults and meanings, none more and none less."""
    table = (ROOT / "README.md").read_text("utf-8").partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0]
    declared = [
        [" or ".join(f"`{name}`" for name in env_names(each.name)), shown(each.default), str(each.metadata["meaning"])]
        for each in fields(Config)
    ]

    assert rows_of(table) == declared


@pytest.mark.parametrize("document", [*DOCS, ROOT / ".env.example"], ids=name_of)
def test_no_document_names_a_setting_that_is_none(document: Path) -> None:
    """A misspelt setting is silently without effect."""
    known = {name for each in fields(Config) for name in env_names(each.name)}
    text = document.read_text("utf-8")
    assigned = set(re.findall(r"(?:^|[\s`])#?\s?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=", text))
    named = {name for name in re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`", text) if name.split("_")[0] in PREFIXES}

    assert (assigned | named) - known - NOT_OURS == set()


def test_the_example_of_a_settings_file_holds_every_default(tmp_path: Path) -> None:
    """Whoever takes away a `#` starts from what was true before."""
    text = (ROOT / ".env.example").read_text("utf-8")
    settings = re.sub(r"^#(?=[A-Z_]+=)", "", text, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(settings, "utf-8")

    assert Config.from_env({}, dotenv=tmp_path / ".env") == Config()
    assert re.findall(r"^([A-Z_]+)=", settings, re.MULTILINE) == [env_names(each.name)[0] for each in fields(Config)]


PREFIXES = {name.split("_")[0] for each in fields(Config) for name in env_names(each.name)}
# Variables of other programs.
NOT_OURS = {"DEBIAN_FRONTEND"}


# Errors.


def raised_codes() -> dict[str, set[tuple[int, bool]]]:
    """Every error code in the code, with the statuses it comes with and whether it may pass."""
    kinds = {kind.__name__: kind for kind in all_kinds(AppError)}
    found: dict[str, set[tuple[int, bool]]] = {}
    for path in (ROOT / "chatapp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                kind = kinds[node.func.id]
                given = [each.value.value for each in node.keywords if is_code(each)]
                found.setdefault(*given or [kind.default_code], set()).add((kind.status, kind.retryable))
    for status, (code, _) in HTTP_FAULTS.items():
        found.setdefault(code, set()).add((status, code == "request_timeout"))
    return found


def is_code(keyword: ast.keyword) -> bool:
    return keyword.arg == "code" and isinstance(keyword.value, ast.Constant)


def all_kinds(kind: type[AppError]) -> list[type[AppError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_kinds(child))]


def test_every_error_code_is_explained_with_its_status() -> None:
    """Somebody looks it up in the worst moment."""
    text = (
        (ROOT / "docs" / "troubleshooting.md").read_text("utf-8").partition("## Error codes")[2].partition("\n## ")[0]
    )
    documented = {code.strip("`"): (statuses, again) for code, statuses, again, *_ in rows_of(text)}
    raised = raised_codes()

    assert sorted(documented) == sorted(raised)
    for code, (statuses, again) in documented.items():
        assert {int(status) for status in statuses.split(",")} == {status for status, _ in raised[code]}, code
        assert {again == "yes"} == {may_pass for _, may_pass in raised[code]}, code


# The API.


def test_the_api_page_lists_every_endpoint(site: str) -> None:
    """With the same names as the description for programs."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8").partition("## Endpoints")[2].partition("\n## ")[0]
    documented = {
        tuple(found.split())
        for row in rows_of(text)
        for found in re.findall(r"`((?:GET|POST|PATCH|DELETE) [^`]+)`", row[0])
    }
    endpoints = get(site, "/api").json["endpoints"]
    served = {(each["method"], re.sub(r"{\w+}", "<id>", each["path"])) for each in endpoints}

    assert documented - {("GET", "/api/openapi.json"), ("GET", "/api/docs")} == served


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.language == "json"], ids=str)
def test_examples_of_json_have_the_fields_of_the_real_thing(example: Example) -> None:
    """People copy them into their programs."""
    value = json.loads(example.text)

    [shape] = [shape for mark, shape in SHAPES.items() if mark <= set(value)][:1]
    check_fields(value, shape)


# What tells the shapes apart, the special ones first.
SHAPES: dict[frozenset[str], type[msgspec.Struct]] = {
    frozenset({"siblings"}): conversation_results.MessageOut,
    frozenset({"has_own_title"}): conversation_results.ConversationOut,
    frozenset({"facts"}): memory.MemoryOut,
    frozenset({"position", "state"}): results.RunOut,
    frozenset({"credential"}): guests.GuestOut,
    frozenset({"refresh_token"}): program_tokens.TokenPairOut,
    frozenset({"type", "detail"}): results.Problem,
    frozenset({"text", "request_id"}): results.ChatOut,
}


def check_fields(value: Any, shape: object) -> None:
    """Compare names all the way down; only what may be missing in the real thing may be missing here."""
    if not isinstance(shape, type) or not issubclass(shape, msgspec.Struct):
        for inner in typing.get_args(shape):
            for each in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
                check_fields(each, inner)
        return
    known = {each.name: each for each in msgspec.structs.fields(shape)}
    assert {name for name, each in known.items() if each.required} <= set(value) <= set(known), shape
    for name, inner in value.items():
        check_fields(inner, known[name].type)


def test_the_streaming_page_lists_every_field_of_every_event(site: str) -> None:
    """A reader that is written from the page understands what comes."""
    text = (ROOT / "docs" / "streaming.md").read_text("utf-8").partition("## The events of a stream")[2]
    documented = {name.strip("`"): set(re.findall(r"`(\w+)`", fields)) for name, fields, _ in rows_of(text)[:6]}
    body = {"message": "Count to 3"}
    headers = {"Content-Type": "application/json"}

    for more in ({}, {"conversation_id": "new"}):
        reply = send(site, "POST", "/chat/stream?render=html", json.dumps(body | more).encode(), headers)
        told = fields_by_event(reply.text)
        assert set(told) == {"start", "delta", "block", "done"}
        for name, names in told.items():
            assert names <= documented[name], name
            assert not more or documented[name] - names <= {"html"}, name


def fields_by_event(stream: str) -> dict[str, set[str]]:
    found = re.findall(r"^event: (\w+)\n(?:id: \d+\n)?data: (.*)$", stream, re.MULTILINE)
    return {name: set(json.loads(data)) for name, data in found}


# Examples to run.


@pytest.fixture(scope="module")
def site_with_models(start_server: StartServer) -> Iterator[str]:
    """A site whose provider knows the model of the examples, for those with a key."""
    upstream = Upstream({"gpt-4o-mini": BEHAVIOURS["good"]})
    server = start_server({"OPENAI_BASE_URL": f"{upstream.base_url}/v1", "WEB_CONCURRENCY": "1"})
    yield server.base_url
    upstream.close()


def run_curl(command: str, base_url: str, variables: dict[str, str]) -> Reply:
    """Do what a curl command says; an option that is not known here is an error of the test."""
    words = shlex.split(Template(command).substitute(variables), comments=True)
    assert words.pop(0) == "curl"
    headers: dict[str, str] = {}
    body: bytes | None = None
    method = path = ""
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = words.pop(0).encode()
        elif word == "-X":
            method = words.pop(0)
        elif word == "-b":
            words.pop(0)
            headers["Cookie"] = variables["COOKIE"]
        elif word == "-c":
            words.pop(0)
        elif word.startswith(LOCAL):
            path = word.removeprefix(LOCAL) or "/"
        else:
            assert word in ("-s", "-N", "-sN", "-Ns", "-i", "-sS"), word
    return send(base_url, method or ("GET" if body is None else "POST"), path, body, headers)


def known_to_a_guest(base_url: str) -> dict[str, str]:
    """What the examples take from the answers before them: a conversation of one question, and a fact."""
    headers = {"Content-Type": "application/json"}

    def post(path: str, body: Payload) -> Reply:
        reply = send(base_url, "POST", path, json.dumps(body).encode(), headers)
        assert 200 <= reply.status < 300, reply.text
        return reply

    cookie = post("/guests", {"credential": "cookie"}).headers["Set-Cookie"].partition(";")[0]
    # The same guest by either credential: a token is what the cookie holds.
    token = cookie.partition("=")[2]
    headers["Authorization"] = f"Bearer {token}"
    said = post("/chat", {"conversation_id": "new", "message": "What is 6 times 7?"}).json
    listed = get(base_url, f"/conversations/{said['conversation_id']}/messages", headers).json["messages"]
    return {
        "OPENAI_API_KEY": OWN_KEY,
        "COOKIE": cookie,
        "TOKEN": token,
        "CONVERSATION": said["conversation_id"],
        "QUESTION": listed[0]["id"],
        "ANSWER": said["message_id"],
        "RUN": said["message_id"],
        "FACT": post("/memory", {"text": "I like figures."}).json["id"],
    }


def known_to_an_account(base_url: str) -> dict[str, str]:
    """What the examples for programs take: an account with their password, its tokens, one of each kind."""
    headers = {"Content-Type": "application/json"}

    def post(path: str, body: Payload) -> Reply:
        return send(base_url, "POST", path, json.dumps(body).encode(), headers)

    who = {"email": "ada@example.com", "password": "seven herons wade at dawn"}
    if post("/auth/sign-in", who).status == 401:
        assert post("/auth/register", who).status == 202
    pair = post("/auth/token", {"grant_type": "password", **who}).json
    headers["Cookie"] = post("/auth/sign-in", who).headers["Set-Cookie"].partition(";")[0]
    made = post("/account/tokens", {"name": "Example", "scopes": ["chat", "read"]}).json
    return {
        "ACCESS_TOKEN": pair["access_token"],
        "REFRESH_TOKEN": pair["refresh_token"],
        "PERSONAL_TOKEN": made["token"],
    }


def test_there_are_examples_to_run() -> None:
    """Should the documents change their form, the tests below would test nothing."""
    assert len(COMMANDS) >= 30


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_on_the_command_line_works(request: pytest.FixtureRequest, command: str) -> None:
    """It is the first thing that people try."""
    base_url: str = request.getfixturevalue("site_with_models" if "_KEY" in command else "site")
    if re.search(r"_TOKEN\b|/auth/|/account", command):
        variables = known_to_an_account(base_url)
    else:
        variables = known_to_a_guest(base_url) if "$" in command or "-b" in command else {}

    reply = run_curl(command, base_url, variables)

    assert 200 <= reply.status < 300, reply.text
    if reply.is_stream:
        assert json.loads(reply.text.rpartition("data: ")[2])["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.language == "python" and LOCAL in each.text], ids=str
)
def test_an_example_in_python_works(site: str, example: Example) -> None:
    """As it stands, with nothing installed that it does not name."""
    environ = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": OWN_KEY}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example.text.replace(LOCAL, site)],
        env=environ, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


# Links.


def slugs_of(document: Path) -> set[str]:
    """The anchors of a document's headings, as the usual hosts of repositories make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCS, ids=name_of)
def test_the_links_between_documents_lead_somewhere(document: Path) -> None:
    """Also those to a section."""
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not fragment or fragment in slugs_of(target), link


# Dependencies.


def listed_in(requirements: str) -> set[str]:
    lines = (ROOT / requirements).read_text("utf-8").splitlines()
    named = [re.match(r"[A-Za-z0-9_.-]+", line) for line in lines if line and line[0] not in "#-"]
    return {found[0] for found in named if found}


@pytest.mark.parametrize(
    ("heading", "requirements"),
    [
        pytest.param("## What the server needs", "requirements.in", id="server"),
        pytest.param("## What the tests and tools need", "requirements-dev.in", id="tests"),
    ],
)
def test_every_direct_dependency_has_its_reason(heading: str, requirements: str) -> None:
    """A package without a reason is a risk without one."""
    section = (ROOT / "docs" / "dependencies.md").read_text("utf-8").partition(heading)[2].partition("\n## ")[0]
    explained = {name for row in rows_of(section) for name in re.findall(r"`([^`]+)`", row[0])}

    assert explained == listed_in(requirements)


@pytest.mark.parametrize("requirements", ["requirements", "requirements-dev"])
def test_what_is_installed_is_pinned_to_the_byte(requirements: str) -> None:
    """And comes from wherever the machine gets its packages: no address stands in the file."""
    text = (ROOT / f"{requirements}.txt").read_text("utf-8")
    pinned = re.sub(r"\\\n", "", text).strip().splitlines()
    names = {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower() for line in pinned}  # type: ignore[index]  # asserted below

    assert all(re.match(r"[a-z0-9_.-]+(\[[\w,-]+\])?==[^\s;]+ .*--hash=sha256:[0-9a-f]{64}", line) for line in pinned)
    assert "://" not in text
    assert "index" not in text
    assert {name.lower() for name in listed_in(f"{requirements}.in")} <= names
