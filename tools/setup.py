"""Set up the environment: `.venv` with what the server needs and, asked for `test`, with what its tests need.

Uses the standard library only; does nothing that is done already.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST = (3, 11)


def main(purpose: str) -> None:
    if sys.version_info < OLDEST:
        stop(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    make_venv()
    install("requirements-dev.txt" if purpose == "test" else "requirements.txt")
    if purpose == "test":
        install_node_modules()
        find_browser()


def make_venv() -> None:
    if PYTHON.exists() and run_quietly(PYTHON, "-m", "pip", "--version"):
        return
    try:
        venv.create(VENV, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        # Debian keeps the part of Python that puts pip into a new environment in a package of its own.
        if not is_root() or not apt_install("python3-venv"):
            stop("Python cannot make a virtual environment: install Debian's package python3-venv.")
        # A new process, because this one has looked for the missing part already.
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def install(requirements: str) -> None:
    """Install pinned packages, once per content of the file."""
    wanted = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    stamp = VENV / f".installed-{requirements}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements} into .venv …", file=sys.stderr)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*pip, "--require-hashes", "-r", ROOT / requirements], check=False)
    if done.returncode != 0:
        stop(f"pip could not install {requirements}; its messages stand above.")
    # Also where the environment says not to write bytecode: without it every start takes half a second longer.
    subprocess.run([PYTHON, "-m", "compileall", "-q", VENV / "lib"], check=False, stdout=subprocess.DEVNULL)
    stamp.write_text(wanted)


def install_node_modules() -> None:
    """Install the type checker for JavaScript with the Node.js that came from a Python package."""
    lock = ROOT / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = ROOT / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    environ = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    npm: list[str | Path] = [VENV / "bin" / "npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(npm, cwd=ROOT, check=False, env=environ)
    if done.returncode == 0:
        stamp.write_text(wanted)
    else:
        print("setup: npm cannot get the JavaScript type checker; only syntax will be checked.", file=sys.stderr)


def find_browser() -> None:
    """See to it that there is a Chromium for the browser tests."""
    if any(shutil.which(name) for name in BROWSERS) or has_playwright_browser():
        return
    if is_root() and apt_install("chromium"):
        return
    print("Installing a Chromium for the browser tests …", file=sys.stderr)
    if not run_quietly(PYTHON, "-m", "playwright", "install", "chromium"):
        stop("The browser tests need Chromium: install Debian's package chromium, or Google Chrome.")


def has_playwright_browser() -> bool:
    code = (
        "import os; from playwright.sync_api import sync_playwright as p\n"
        "with p() as w: raise SystemExit(not os.path.exists(w.chromium.executable_path))"
    )
    return run_quietly(PYTHON, "-c", code)


def apt_install(package: str) -> bool:
    if not shutil.which("apt-get"):
        return False
    print(f"Installing Debian's package {package} …", file=sys.stderr)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-y", "--no-install-recommends"]
    run_quietly(*apt, "update", environ=environ)
    return run_quietly(*apt, "install", package, environ=environ)


def run_quietly(*command: str | Path, environ: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)
    except OSError:
        return False
    return done.returncode == 0


def is_root() -> bool:
    return os.geteuid() == 0


def stop(reason: str) -> None:
    sys.exit(f"setup: {reason}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
