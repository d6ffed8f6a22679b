"""The product within the test's own process, for what does not depend on a real server."""

import tempfile
from pathlib import Path
from typing import Any

from flask import Flask

from chatapp import create_app
from chatapp.config import Config

# Ends, with what is in it, when the process does.
_folders = tempfile.TemporaryDirectory(prefix="chatapp-tests-")


def make_app(**settings: Any) -> Flask:
    """Return an application that keeps its data in a folder of its own and looks for no model servers."""
    folder = Path(tempfile.mkdtemp(dir=_folders.name))
    return create_app(Config(**{"local_servers": "off", "data_dir": folder, **settings}))
