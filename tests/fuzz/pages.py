"""The routes that the description of the API leaves out: pages, forms and files."""

import re

from tests.applications import make_app


def pages_of() -> list[tuple[str, str]]:
    """Return method and address of each."""
    app = make_app()
    return sorted(
        (method, re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "operation")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
