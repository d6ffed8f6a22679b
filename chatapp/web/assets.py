"""Static files: compressed once, under a path that changes with their content, so that they may be kept for ever."""

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

import msgspec
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound, PreconditionFailed
from werkzeug.security import safe_join

from chatapp.web.access import needs

IMMUTABLE = "public, max-age=31536000, immutable"
COMPRESSED_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml")

mimetypes.add_type("text/javascript", ".js")


class Asset(msgspec.Struct, frozen=True):
    """A file as it is sent; `compressed` is None where that would not make it smaller."""

    body: bytes
    compressed: bytes | None
    content_type: str
    etag: str


def init_assets(app: Flask, folder: Path) -> None:
    """Serve `folder` under `/static/<digest>/`; templates get `asset(path)`.

    One digest stands for all files, so that modules and style sheets may name their siblings relatively.
    """
    digest = _digest_of(folder)
    bp = Blueprint("assets", __name__)

    @app.template_global()
    def asset(path: str) -> str:
        return f"/static/{digest}/{path}"

    @bp.get("/static/<version>/<path:path>")
    @needs("public")
    def static_file(version: str, path: str) -> Response:
        # An old page's link still works, but what it gets is not what it names.
        return send_asset(folder, path, cache_control=IMMUTABLE if version == digest else "no-cache")

    @bp.get("/favicon.ico")
    @needs("public")
    def favicon() -> Response:
        return send_asset(folder, "favicon.svg", cache_control="public, max-age=86400")

    app.register_blueprint(bp)


def send_asset(folder: Path, path: str, *, cache_control: str) -> Response:
    """Answer with a file of `folder`, compressed if the client takes it, or with 304.

    Cost: each file is read and compressed once per worker, and again when it changes.
    Raises: `NotFound`, `PreconditionFailed` (412).
    """
    found = safe_join(str(folder), path)
    if found is None or not _is_file(found):
        raise NotFound
    asset = _read_asset(found, Path(found).stat().st_mtime_ns)
    is_compressed = asset.compressed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.compressed if is_compressed else asset.body, content_type=asset.content_type)
    response.headers["Cache-Control"] = cache_control
    response.set_etag(asset.etag + ("-gzip" if is_compressed else ""))
    if asset.compressed is not None:
        response.vary.add("Accept-Encoding")
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.make_conditional(request)
    if response.status_code == 412:
        raise PreconditionFailed
    return response


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # no name that a file can have
        return False


@lru_cache(maxsize=256)
def _read_asset(path: str, _changed_at_ns: int) -> Asset:
    body = Path(path).read_bytes()
    content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    compressed = None
    if content_type.startswith(COMPRESSED_TYPES):
        packed = gzip.compress(body, 9, mtime=0)
        compressed = packed if len(packed) < len(body) else None
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return Asset(body, compressed, content_type, hashlib.sha256(body).hexdigest()[:16])


def _digest_of(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:12]
