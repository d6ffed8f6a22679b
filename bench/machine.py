"""The machine that something was measured on."""

import os
import platform
import re
from pathlib import Path


def machine_line() -> str:
    """Return its processors, memory and system in half a line."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return (
        f"{os.cpu_count()} cores ({cpu[1] if cpu else 'unknown processor'}), "
        f"{int(memory_kib[1]) / 2**20 if memory_kib else 0:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )
