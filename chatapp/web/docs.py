"""The page that shows the API's description and lets one try it; its files come from a package, not from a CDN."""

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, render_template

from chatapp.web.access import needs
from chatapp.web.assets import send_asset
from chatapp.web.guards import page_policy

bp = Blueprint("docs", __name__, url_prefix="/api/docs")


def swagger_folder() -> Path:
    """Return where the package that carries Swagger UI keeps its files; the package itself is never imported."""
    spec = find_spec("flask_openapi3_swagger")
    assert spec is not None, "requirements.txt installs it"
    assert spec.submodule_search_locations is not None, "it is a package"
    return Path(spec.submodule_search_locations[0]) / "templates" / "swagger"


@bp.get("")
@needs("public")
def page() -> Response:
    response = Response(render_template("api_docs.html", page="docs"))
    # Swagger UI writes markup in twenty places of its own.
    response.headers["Content-Security-Policy"] = page_policy(is_typed=False)
    return response


@bp.get("/files/<path:path>")
@needs("public")
def files(path: str) -> Response:
    return send_asset(swagger_folder(), path, cache_control="public, max-age=86400")
