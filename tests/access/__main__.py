"""Print the access table as it is now; with `--write`, put it into docs/security.md."""

import sys

from tests.access import BEGIN, DOCUMENT, END, documented
from tests.access.table import measured


def main() -> None:
    _, table = measured()
    if "--write" not in sys.argv[1:]:
        sys.stdout.write(f"{table}\n")
        return
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(text.replace(f"{BEGIN}{documented()}{END}", f"{BEGIN}\n{table}\n{END}"), "utf-8")


main()
