"""Check the JavaScript that is served: its types with TypeScript, or at least its syntax where that cannot be had."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / ".venv" / "bin" / "node"
TYPE_CHECKER = ROOT / "node_modules" / "typescript" / "bin" / "tsc"


def main() -> None:
    if TYPE_CHECKER.exists():
        sys.exit(subprocess.run([NODE, TYPE_CHECKER, "--project", ROOT / "tsconfig.json"], check=False).returncode)
    print("JavaScript: syntax only, because the type checker could not be installed.", file=sys.stderr)
    files = sorted((ROOT / "static").rglob("*.js"))
    failed = [path for path in files if subprocess.run([NODE, "--check", path], check=False).returncode != 0]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
