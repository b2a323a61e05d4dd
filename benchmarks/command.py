"""Where the time of `python main.py --is_train False --stride 21` goes, on Set5, and what a start takes.

    python -m benchmarks.command [folder of test images, default Test/Set5]

A small photograph and --help are measured beside an earlier commit, in turns, by processor seconds, which
depend less on what else the machine does. For ONEDNN_MAX_CPU_ISA see folder.py.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.folder import EARLIER
from benchmarks.growth import ROOT, run
from benchmarks.machine import heading
from benchmarks.many import earlier, environment, make_photograph

TURNS, SMALL = 5, (320, 320)

MEASURED = """
import functools, json, sys, time
started = time.monotonic()
words, sys.argv[1:] = sys.argv[1:], []
seconds, in_threads = {}, []
def measured(what):
    def wrap(function):
        @functools.wraps(function)
        def wrapper(*arguments, **more):
            begun = time.monotonic()
            result = function(*arguments, **more)
            in_threads.append((what, time.monotonic() - begun))
            return result
        return wrapper
    return wrap
def timed(what, function, *arguments, **more):
    begun = time.monotonic()
    result = function(*arguments, **more)
    seconds[what] = seconds.get(what, 0) + time.monotonic() - begun
    return result
timed("importing TensorFlow", __import__, "srcnn.tf1")
timed("other imports", __import__, "srcnn.testing.testing_job")
import main
from srcnn.page import report
from srcnn.testing import evaluate, testing_job
main.trained = functools.partial(timed, "graph and weights", main.trained)
report.save_job = functools.partial(timed, "the page", report.save_job)
whole = testing_job.in_threads
testing_job.in_threads = lambda *a, **more: timed("the images, in threads", lambda: list(whole(*a, **more)))
for owner, names, what in (
    (evaluate.Restored, ["__init__"], "decoding, degradation"),
    (evaluate, ["super_resolve"], "network, tiles and merging"),
    (evaluate.Restored, ["scores"], "scores"),
    (evaluate.Restored, ["pictures"], "pictures"),
    (testing_job, ["save_comparison"], "pictures"),
    (testing_job.png, ["encoded"], "pictures"),
    (report, ["exhibit"], "pictures"),
):
    for name in names:
        setattr(owner, name, measured(what)(getattr(owner, name)))
main.main(words)
seconds["the rest"] = time.monotonic() - started - sum(seconds.values())
print("measured", json.dumps([seconds, in_threads]))
"""


def measure(test_dir):
    """Seconds in all, of the parts one after the other, and of those beside each other, (what, seconds)."""
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
    return total, *json.loads(line.removeprefix("measured"))


def benchmark(test_dir):
    print(f"{heading()}\n")
    total, seconds, in_threads = measure(test_dir)
    seconds["Python's start and end"] = total - sum(seconds.values())
    print("| `--is_train False --stride 21` | seconds |\n|---|---:|")
    for what, value in seconds.items():
        print(f"| {what} | {value:.2f} |")
    print(f"| all | {total:.2f} |")
    print("\n| in threads, beside each other | seconds |\n|---|---:|")
    for what in dict.fromkeys(what for what, _ in in_threads):
        print(f"| {what} | {sum(value for name, value in in_threads if name == what):.2f} |")


def processor_seconds(*words):
    """Processor seconds, and seconds, of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, *_ = run(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, seconds


def starts(folder):
    """Prints what a small photograph, and --help, take beside the earlier commit."""
    programs = {f"commit {EARLIER}": earlier(folder / "earlier", EARLIER), "now": ROOT}
    photograph = make_photograph(folder / "in" / "photograph.png", SMALL)
    upscaling = "--is_train", "False", "--scale", 2, "--input", photograph, "--sample_dir", folder / "out"
    print(f"\n{heading()}\n\n| | processor seconds | seconds |\n|---|---:|---:|")
    for what, words in (("a photograph of 320x320, x2", (*upscaling, "--overwrite")), ("--help", ["--help"])):
        found = {name: [] for name in programs}
        for _ in range(TURNS):
            for name, program in programs.items():
                with environment(name != "now"):
                    found[name].append(processor_seconds(program / "main.py", *words))
        for name, values in found.items():
            used, seconds = map(statistics.median, zip(*values, strict=True))
            print(f"| {what}, {name} | {used:.2f} | {seconds:.2f} |")
        ratios = [now[0] / then[0] for then, now in zip(*found.values(), strict=True)]
        print(f"| ratio | {statistics.median(ratios):.2f} | |", flush=True)


if __name__ == "__main__":
    benchmark(Path(sys.argv[1] if len(sys.argv) > 1 else "Test/Set5"))
    with tempfile.TemporaryDirectory() as folder:
        starts(Path(folder))
