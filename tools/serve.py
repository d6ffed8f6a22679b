"""Start the server: gunicorn with our settings, in this process."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    # gunicorn reads this one itself before our settings are checked, and does not say which variable is wrong.
    workers = os.environ.get("WEB_CONCURRENCY", "").strip()
    if not workers:
        os.environ.pop("WEB_CONCURRENCY", None)
    elif not workers.isdigit():
        sys.exit("chatapp cannot start: WEB_CONCURRENCY must be a whole number from 1 to 256.")
    gunicorn = ROOT / ".venv" / "bin" / "gunicorn"
    os.chdir(ROOT)
    os.execv(gunicorn, [str(gunicorn), "-c", "gunicorn.conf.py", "wsgi:app"])


if __name__ == "__main__":
    main()
