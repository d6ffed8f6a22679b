"""What the security documents promise: their tests exist, their figures are right, their examples hold to them."""

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from chatapp.config import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text("utf-8")
TABLE = DOCUMENT.partition("## ASVS 5.0")[2]
NOT_TESTS = {"make check"}

# The levels of the standard's requirements, by chapter and section: the third digit of "1.2" is the level of 1.2.3.
# Source: OWASP ASVS 5.0.
LEVELS = {
    1: "22 1111122223 112222222223 222 123",
    2: "122 112 12223 23",
    3: "3 113 12223 11222233 11122333 3 22333",
    4: "12233 23333 22 1222",
    5: "2 112333 113 222",
    6: "122 111111112222 11223333 112233 22222333 2223 33 2222",
    7: "222 1111 22 11222 223 22",
    8: "1233 1123 133 23",
    9: "111 1222",
    10: "22 223 22223 1111122222233333 22222 22 222",
    11: "2233 22233 11233 1222 23 23 33",
    12: "12233 11 22223",
    13: "2333 222223 2233 1222233",
    14: "22 12223333 122",
    15: "12233 12233 1222222 3333",
    16: "2 22222 2222 222 2223",
}
SECTIONS = {
    "What is worth protecting": "Class",
    "Who attacks, and what stands in between": "Trusted are",
    "What is not done": "second factor",
    "The ways in, and how strong each is": "lock a person out",
    "Keys and algorithms": "AES-256-GCM",
    "What the server reaches": "Can a person choose where?",
    "What is logged": "How long",
    "What costs much, and what bounds it": "Bound",
    "Checklist for operators": "host name of its own",
    "Who may do what": "By field",
}
# The first release of each that is without the weaknesses we know of.
REPAIRED = {
    "authlib": "1.6.6",
    "certifi": "2024.7.4",
    "cryptography": "44.0.1",
    "flask": "3.1.3",
    "flask-cors": "6.0.0",
    "gevent": "23.9.0",
    "gunicorn": "23.0.0",
    "idna": "3.7",
    "jinja2": "3.1.6",
    "mako": "1.2.2",
    "requests": "2.32.4",
    "urllib3": "2.6.3",
    "werkzeug": "3.1.5",
}


class Requirement(NamedTuple):
    """A requirement that is met, as its row tells."""

    id: str
    level: int
    tests: tuple[str, ...]


def rows_under(heading: str) -> list[list[str]]:
    part = TABLE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
    return [row for row in rows if re.match(r"[0-9]", row[0])]


def all_levels() -> dict[str, int]:
    """The level of each requirement up to the second, by its id."""
    found = {
        f"{chapter}.{section}.{number}": int(level)
        for chapter, sections in LEVELS.items()
        for section, levels in enumerate(sections.split(), 1)
        for number, level in enumerate(levels, 1)
    }
    return {name: level for name, level in found.items() if level < 3}


def met() -> list[Requirement]:
    headings = re.findall(r"^### (V[0-9]+ .*)$", TABLE, re.MULTILINE)
    return [
        Requirement(row[0], int(row[1]), tuple(re.findall(r"`([^`]+)`", row[3])))
        for heading in headings
        for row in rows_under(heading)
    ]


def not_met() -> dict[str, int]:
    return {row[0]: int(row[1]) for row in rows_under("Not met")}


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of a file's tests, by reading it only."""
    file = ROOT / path
    code = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module(body=[], type_ignores=[])
    return frozenset(node.name for node in ast.walk(code) if isinstance(node, ast.FunctionDef))


def missing(names: set[str]) -> list[str]:
    return sorted(name for name in names if name.partition("::")[2] not in names_in(name.partition("::")[0]))


def test_every_test_that_is_named_exists() -> None:
    """A renamed test would leave a promise that nothing keeps."""
    named = {name for name in re.findall(r"`(tests/[^`]+)`", DOCUMENT) if "::" in name}

    assert len(named) > 100
    assert missing(named) == []


def test_every_requirement_has_its_row() -> None:
    """Once: met with a test or a check, not met with a reason, or not applicable."""
    levels = all_levels()
    apart = [name for row in rows_under("Not applicable") for name in row[0].split(", ")]
    rows = met()
    told = [each.id for each in rows] + list(not_met()) + apart

    assert sorted(told) == sorted(levels)
    assert {each.id: each.level for each in rows} | not_met() == {
        name: level for name, level in levels.items() if name not in apart
    }
    for each in rows:
        assert each.tests, each
        assert all(name in NOT_TESTS or name.startswith("tests/") for name in each.tests), each


@pytest.mark.parametrize(("level", "at_least"), [(1, 100), (2, 95)])
def test_the_figures_are_those_of_the_table(level: int, at_least: int) -> None:
    """All of the first level, nearly all of the second."""
    done = sum(each.level == level for each in met())
    applicable = done + sum(each == level for each in not_met().values())

    said = re.search(rf"(\d+) of (\d+) at level {level} \(([\d.]+) %\)", TABLE)

    assert said is not None
    assert (int(said[1]), int(said[2])) == (done, applicable)
    assert float(said[3]) == round(100 * done / applicable, 1) >= at_least
    assert f"{sum(each == level for each in all_levels().values())} " in TABLE.partition("### ")[0]


def test_every_section_is_there() -> None:
    """Requirements on documents are met by them."""
    for heading, words in SECTIONS.items():
        section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert words in section, heading
    policy = (ROOT / "SECURITY.md").read_text("utf-8")
    assert all(words in policy for words in ("Repaired within", "newest release", "security.txt"))


def test_the_example_of_a_proxy_keeps_what_is_promised() -> None:
    """TLS of today, keys in the open refused, and headers set that visitors could write."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    plain, _, secure = text.partition("listen 443")

    assert re.search(r"ssl_protocols\s+TLSv1\.2 TLSv1\.3;", secure)
    assert re.search(r"ssl_ciphers\s+ECDHE\+AESGCM:ECDHE\+CHACHA20;", secure)
    assert "letsencrypt" in secure
    assert "proxy_pass" not in plain
    assert "return 301 https://$server_name$request_uri;" in plain
    assert "if ($http_authorization$http_x_api_key) { return 403; }" in plain
    for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto"):
        assert f"proxy_set_header {name} " in secure


def test_the_example_of_a_unit_keeps_what_is_promised() -> None:
    """Whoever takes over the server has its data, and nothing else of the machine."""
    lines = (ROOT / "deploy" / "chatapp.service").read_text("utf-8").splitlines()

    wanted = {"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "UMask=0077"}
    assert wanted <= set(lines)


def test_no_package_is_pinned_below_its_repair() -> None:
    """What others have found must not come back with an older pin."""
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))

    assert REPAIRED.keys() <= pinned.keys()
    older = {name for name, repaired in REPAIRED.items() if numbers_of(pinned[name]) < numbers_of(repaired)}
    assert older == set()


def numbers_of(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
