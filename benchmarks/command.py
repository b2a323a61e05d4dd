"""Where the time of `python main.py --is_train False --stride 21` goes, on Set5.

python benchmarks/command.py [folder of test images, default Test/Set5]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

MEASURED = """
import functools, time
started = time.monotonic()
import sys
import main, report, utils
seconds = {"imports without TensorFlow": time.monotonic() - started}
def measured(owner, name, what):
    function = getattr(owner, name)
    @functools.wraps(function)
    def wrapper(*arguments, **more):
        begun = time.monotonic()
        try:
            return function(*arguments, **more)
        finally:
            seconds[what] = seconds.get(what, 0) + time.monotonic() - begun
    setattr(owner, name, wrapper)
sys.argv[1:], words = [], sys.argv[1:]
begun = time.monotonic()
main.import_tensorflow()
import model
seconds["importing TensorFlow"] = time.monotonic() - begun
for owner, names, what in (
    (main, ["trained"], "graph and weights"),
    (utils, ["input_setup"], "degradation, HDF5"),
    (model.SRCNN, ["test"], "network, tiles and merging"),
    (utils, ["psnr", "ssim"], "scores"),
    (utils, ["in_colour"], "pictures"),
    (report, ["save_comparison", "exhibit", "save_page"], "pictures"),
):
    for name in names:
        measured(owner, name, what)
main.main(words)
seconds["the rest"] = time.monotonic() - started - sum(seconds.values())
import json
print("measured", json.dumps(seconds))
"""


def benchmark(test_dir):
    with tempfile.TemporaryDirectory() as folder:
        words = ["--is_train", "False", "--stride", "21", "--test_dir", str(test_dir.resolve())]
        for turn in ("cold", "warm"):  # the first time, files come from the disk
            (Path(folder) / turn).mkdir()
            started = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{MEASURED}", *words],
                cwd=Path(folder) / turn,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            total = time.monotonic() - started
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("measured"))
    seconds = json.loads(line.removeprefix("measured"))
    seconds["Python's start and end"] = total - sum(seconds.values())
    print("| `--is_train False --stride 21` | seconds |\n|---|---:|")
    for what, value in seconds.items():
        print(f"| {what} | {value:.2f} |")
    print(f"| all | {total:.2f} |")


if __name__ == "__main__":
    benchmark(Path(sys.argv[1] if len(sys.argv) > 1 else "Test/Set5"))
