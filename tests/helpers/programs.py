"""What several tests need of programs."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def python(program, *words, **more):
    """Runs a Python program with the project's modules at hand."""
    words = [sys.executable, "-c", program, *map(str, words)]
    more = {"capture_output": True, "text": True, **more}
    return subprocess.run(words, env={**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}, **more)
