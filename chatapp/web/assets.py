"""Static files under a path that changes with their content, so that they may be kept for ever."""

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, send_from_directory

bp = Blueprint("assets", __name__)

IMMUTABLE = "public, max-age=31536000, immutable"


def init_assets(app: Flask, folder: Path) -> None:
    """Serve `folder` under `/static/<digest>/`; templates get `asset(path)`.

    One digest stands for all files, so that modules and style sheets may name their siblings relatively.
    """
    digest = _digest_of(folder)

    @app.template_global()
    def asset(path: str) -> str:
        return f"/static/{digest}/{path}"

    @bp.get("/static/<version>/<path:path>")
    def static_file(version: str, path: str) -> Response:
        response = send_from_directory(folder, path, max_age=0)
        # An old page's link still works, but what it gets is not what it names.
        response.headers["Cache-Control"] = IMMUTABLE if version == digest else "no-cache"
        return response

    @bp.get("/favicon.ico")
    def favicon() -> Response:
        return send_from_directory(folder, "favicon.svg", max_age=86_400)

    app.register_blueprint(bp)


def _digest_of(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:12]
