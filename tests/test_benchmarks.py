"""What benchmarks have in common: what they say that they ran on, and peers in other processes."""

import os
import platform
from importlib.metadata import version

import pytest

from tests.conftest import ROOT

CPUINFO = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu sse4_1 avx avx2{}\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The module, on a processor with AVX-512 and nothing in the environment."""
    from benchmarks import machine

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


def test_a_peer_answers_from_a_process_of_its_own(tmp_path):
    from benchmarks.peers import Peer

    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from benchmarks.peers import serve\n"
        "class Calls:\n"
        "    def where(self, *numbers):\n"
        "        return os.getpid(), sum(numbers), 'tensorflow' in sys.modules\n"
        "    def crash(self):\n"
        "        os._exit(7)\n"
        "serve(Calls())\n"
    )
    with Peer(script) as peer:
        pid, total, beside_tensorflow = peer.call("where", 1, 2.5)
        assert pid != os.getpid() and total == 3.5 and not beside_tensorflow
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"script\.py ended with status 7"):
                peer.call("crash")
