"""The WSGI application: `gunicorn -c gunicorn.conf.py wsgi:app`."""

import sys

from chatapp import create_app
from chatapp.config import Config, ConfigError
from chatapp.providers.catalog import CatalogError
from chatapp.providers.tokens import RankFileError
from chatapp.secret_files import SecretError
from chatapp.store.schema import SchemaError

try:
    app = create_app(Config.from_env())
except (ConfigError, CatalogError, RankFileError, SchemaError, SecretError) as exc:
    sys.exit(f"chatapp cannot start: {exc}")
