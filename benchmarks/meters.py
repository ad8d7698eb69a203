"""CPU and memory of a running process, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS


def resident(pid: int) -> int:
    """Bytes of memory the process has now."""
    return _status(pid, "VmRSS")


class Memory:
    """The peak since this was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.idle = resident(pid)
        # 5 sets the kernel's high-water mark back to the present size.
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    @property
    def peak(self) -> int:
        """The most bytes it has had."""
        return _status(self._pid, "VmHWM")

    def growth(self) -> int:
        """How many bytes more than at the beginning."""
        return max(0, self.peak - self.idle)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no {name}")
