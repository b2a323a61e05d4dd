"""What a benchmark says that it ran on."""

import platform
import sys
from importlib.metadata import version

import pytest
from conftest import ROOT

CPUINFO = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu sse4_1 avx avx2{}\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The module, on a processor with AVX-512 and nothing in the environment."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    import machine

    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    machine.CPUINFO.write_text(CPUINFO.format(" avx512f"))
    for name in ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)
    return machine


def test_the_heading_tells_processor_threads_and_versions(machine):
    assert machine.heading(2, "h5py", "not-installed") == (
        f"A Processor, 2 threads, AVX-512, oneDNN on; Python {platform.python_version()}, "
        f"tensorflow {version('tensorflow')}, numpy {version('numpy')}, h5py {version('h5py')}"
    )


@pytest.mark.parametrize(
    ("flag", "limit", "told"),
    [
        ("", "", "AVX2"),
        (" avx512f", "AVX2", "AVX-512, of which oneDNN may use AVX2"),
        (" avx512f", "avx2_vnni", "AVX-512, of which oneDNN may use AVX2"),
        (" avx512f", "AVX512_CORE_AMX", "AVX-512"),
        ("", "AVX512_CORE", "AVX2"),
        ("", "ALL", "AVX2"),
    ],
)
def test_a_limit_of_the_instruction_set_is_told(machine, monkeypatch, flag, limit, told):
    machine.CPUINFO.write_text(CPUINFO.format(flag))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert machine.instruction_set() == told


def test_onednn_may_be_off_and_the_processor_unknown(machine, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    machine.CPUINFO.unlink()
    assert ", oneDNN off; " in machine.heading() and machine.instruction_set() == platform.machine()
