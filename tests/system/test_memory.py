"""The memory of arrays that are no longer needed."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from srcnn.system.memory import keep_freed
if sys.argv[1] == "kept":
    keep_freed()
def work():
    arrays = [b"x" * 2**24 for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no mallopt")
def test_the_system_is_not_asked_again_for_memory_that_is_kept():
    """A page that is new to a process is a fault, which the system counts."""

    def faults(way):
        command = [sys.executable, "-c", FAULTS, way]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults("kept") < faults("given back") / 10
