"""`python -m bench store`: fills databases of growing size, measures, prints the tables and draws the plot."""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.store.databases import KINDS, fill, postgresql_server
from bench.store.measuring import StoreResults, measure
from bench.store.plot import render_plot
from bench.store.report import render_report

_SIZES = [1_000, 100_000, 1_000_000]
_QUICK_SIZES = [1_000, 10_000]
_TIMES = 300
_QUICK_TIMES = 50


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for and print the report. Return 0, however slow it was; faults are raised."""
    options = read_options(arguments)
    results = StoreResults(
        command=shlex.join(["python", "-m", "bench", "store", *arguments]), times=options.times, sizes=options.sizes
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatapp-bench-")))
        server_url = stack.enter_context(postgresql_server(folder)) if "postgresql" in options.databases else ""
        for kind in options.databases:
            archives = []
            for size in options.sizes:
                say(f"{kind}: writing {size:,} messages")
                archives.append(fill(kind, size, folder=folder, server_url=server_url))
            say(f"{kind}: measuring")
            results.costs += measure(archives, times=options.times)
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    if options.plot:
        Path(options.plot).write_text(render_plot(results), encoding="utf-8")
    print(render_report(results))
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what does not fit ends with one line that says so."""
    parser = argparse.ArgumentParser(prog="python -m bench store", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small archives, a few calls; too little for a record")
    parser.add_argument("--sizes", type=_read_sizes, help="messages of the archives, with commas between")
    parser.add_argument("--times", type=int, help=f"calls of each kind (default {_TIMES}, quick {_QUICK_TIMES})")
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--plot", metavar="FILE", help="also draw the plot, as SVG")
    parser.add_argument("--json", metavar="FILE", help="also write every measured value here")
    options = parser.parse_args(arguments)
    options.sizes = options.sizes or (_QUICK_SIZES if options.quick else _SIZES)
    options.times = options.times or (_QUICK_TIMES if options.quick else _TIMES)
    options.databases = [options.database] if options.database else list(KINDS)
    return options


def say(text: str) -> None:
    """Tell how far it is, beside the report."""
    print(text, file=sys.stderr, flush=True)


def _read_sizes(text: str) -> list[int]:
    sizes = sorted(int(float(part)) for part in text.split(","))
    if sizes[0] < 1_000:
        raise argparse.ArgumentTypeError("an archive has at least 1,000 messages")
    return sizes
