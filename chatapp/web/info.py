"""What this server is, how it is, and which models it has."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from chatapp.services.model_directory import ListedModel
from chatapp.version import VERSION
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.openapi import describe_api, documented, operations
from chatapp.web.own_keys import own_models
from chatapp.web.results import ApiOut, HealthOut, ModelsOut

bp = Blueprint("info", __name__)


@bp.get("/api")
@documented(tag="Server", summary="Name, version and routes", result=ApiOut)
@needs("public")
def api() -> Response:
    """Say what this API is and where to find its description."""
    routes = [
        {"method": method, "path": path, "summary": operation.summary}
        for method, path, operation, _ in operations(current_app._get_current_object())  # type: ignore[attr-defined]
    ]
    return jsonify(
        name=config().site_name,
        version=VERSION,
        openapi=url_for(".openapi"),
        docs=url_for("docs.page"),
        endpoints=routes,
    )


@bp.get("/health")
@documented(tag="Server", summary="Whether the server is up", result=HealthOut)
@needs("public")
def health() -> Response:
    """Say that the server answers and what it is set up with; never waits for anything."""
    directory = services().directory
    return jsonify(
        status="ok",
        integration=directory.integration,
        version=VERSION,
        default_model=directory.default_id,
        configured={
            "openai_key": bool(config().openai_api_key),
            "openai_base_url": bool(config().openai_base_url),
            "models_file": config().models_file is not None,
            "base_url": bool(config().base_url),
        },
    )


@bp.get("/models")
@documented(tag="Server", summary="All models and their state", result=ModelsOut, takes_key=True)
@needs("public")
def models() -> Response:
    """List what can be asked; with a key of one's own the provider's models are available too.

    Who has saved keys for servers of their own sees those servers' models, and nobody else does.
    """
    directory, own = services().directory, own_models()
    return jsonify(
        default=directory.resolve(None, own).model.id, models=[as_json(each) for each in directory.listing(own)]
    )


@bp.get("/api/openapi.json")
@needs("public")
def openapi() -> Response:
    """Return the OpenAPI 3.1 document."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy hides the real object's type
    document = describe_api(app, title=config().site_name, server_url=config().base_url or request.host_url.rstrip("/"))
    return jsonify(document)


def as_json(listed: ListedModel) -> dict[str, Any]:
    """Return a model as the API shows it."""
    model = listed.model
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.provider,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "input_usd_per_million": model.input_usd_per_million,
        "cached_input_usd_per_million": model.cached_input_usd_per_million,
        "output_usd_per_million": model.output_usd_per_million,
        "abilities": list(model.abilities),
        "status": listed.status,
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
        "successor": model.successor,
    }
