"""What a benchmark ran on: the line that each of them prints first."""

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from srcnn.system.threads import cores

CPUINFO = Path("/proc/cpuinfo")
SETS = {"AVX-512": "avx512f", "AVX2": "avx2", "AVX": "avx", "SSE4.1": "sse4_1"}  # by the kernel's flag for it
LIMITS = {"AVX512": "AVX-512", "AVX2": "AVX2", "AVX": "AVX", "SSE41": "SSE4.1"}  # by how oneDNN's names begin


def heading(threads=None, *packages):
    """Processor, threads, instruction set, whether oneDNN is on, and versions, in one line.

    threads: that a peer may use; all cores by default. packages: names of those to tell of, besides Python,
    TensorFlow and numpy; what is not installed is left out.
    """
    used = f"{threads} threads" if threads else f"{cores()} cores"
    versions = {"Python": platform.python_version()}
    for package in ("tensorflow", "numpy", *packages):
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{processor()}, {used}, {instruction_set()}, oneDNN {'on' if is_onednn_on() else 'off'}; {told}"


def processor():
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def instruction_set():
    """The widest vectors that the processor has, and that oneDNN may use where it has a limit."""
    flags = _cpuinfo("flags").split()
    own = next((name for name, flag in SETS.items() if flag in flags), platform.machine())
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    allowed = next((name for start, name in LIMITS.items() if limit.startswith(start)), None)
    order = list(SETS)
    if own not in order or allowed not in order or order.index(allowed) <= order.index(own):
        return own
    return f"{own}, of which oneDNN may use {allowed}"


def is_onednn_on():
    """As tf1.py has it: on, unless the user switched it off."""
    return os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")


def _cpuinfo(field):
    """What Linux says of the first processor; empty elsewhere."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")
