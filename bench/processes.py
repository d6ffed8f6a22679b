"""What a server's processes cost, and the limits of the machine, read from the kernel."""

import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def session_pids(session_id: int) -> list[int]:
    """Return the processes of a session: a server started in one of its own, with all its workers."""
    pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _stat(pid)[3:4] == [str(session_id)]]


def cpu_s(session_id: int) -> float:
    """Return the user + system seconds that a session's processes have used, their ended children included.

    A living process is read from its own CPU clock, to the nanosecond (/proc rounds to 10 ms); the ended children
    of each from /proc. Source: proc(5) fields cutime and cstime; clock_getcpuclockid(3) for the clock's number.
    """
    return sum(_own_cpu_s(pid) + _ended_children_cpu_s(pid) for pid in session_pids(session_id))


def pss_mb(session_id: int) -> float:
    """Return the memory of a session: its own pages and its share of those that others map too, in MB of 10^6 bytes."""
    kib = 0
    for pid in session_pids(session_id):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib * 1024 / 1e6


def kill_session(session_id: int) -> None:
    """End every process of a session at once."""
    for pid in session_pids(session_id):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def machine_busy_s() -> float:
    """Return the seconds that all processors together have been busy since the machine started."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, (_PROC / "stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def raise_open_files(wanted: int) -> int:
    """Raise this process's limit of open files, which its children inherit, to `wanted` or as near as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, PermissionError):  # only root may raise the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; none when the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _own_cpu_s(pid: int) -> float:
    try:
        return time.clock_gettime_ns(~pid << 3 | 2) / 1e9
    except OSError:  # it has just ended
        return 0.0


def _ended_children_cpu_s(pid: int) -> float:
    return sum(map(int, _stat(pid)[13:15])) / _TICKS_PER_S
