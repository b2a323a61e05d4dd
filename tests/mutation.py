"""Whether the tests notice: changes one thing in a module of the core, runs the module's tests, many times.

    python -m tests.mutation                  10 changes drawn from each module
    python -m tests.mutation -n 50 model      50 of one module

Each change is one operator, comparison, number, truth value, `and` or `or`, made in memory, in a fork of
this process, which has loaded TensorFlow once. (mutmut runs the tests in the process that it forks, which no
session of TensorFlow survives; cosmic-ray starts Python for each change: twice the time.)
"""

import argparse
import ast
import importlib
import os
import random
import signal
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, spec_from_file_location

import pytest

TESTS = {
    "model": "tests/test_graph.py tests/training/test_natural_gradient.py tests/test_model.py",
    "utils": "tests/test_utils.py tests/training/test_datasets.py tests/training/test_training_data.py "
    "tests/networks/test_jpeg.py::test_inputs_are_those_of_jpeg_files_of_low_resolution",
    "srcnn.training.natural_gradient": "tests/training/test_natural_gradient.py",
    "srcnn.pixels.colour": "tests/pixels/test_colour.py",
    "srcnn.pixels.metrics": "tests/pixels/test_metrics.py",
    **{f"srcnn.pixels.{name}": "tests/pixels/test_measures.py" for name in ("ifc", "msssim", "nqm", "wpsnr")},
    "srcnn.pixels.resize": "tests/pixels/test_resize.py",
    "srcnn.pixels.tiles": "tests/pixels/test_tiles.py",
}
# Imported by all changes alike; none of these imports a module of TESTS.
PRELOADED = "srcnn.tf1", "cv2", "h5py", "hypothesis", "scipy.ndimage", "scipy.signal", "skimage.metrics"
SWAPPED = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div},
    **{ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.USub: ast.UAdd, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In},
}
NOTICED, MISSED, NO_END = "noticed", "MISSED", "no end"


def changes(tree):
    """Pairs for each change of a module: the node to show, and a function that makes the change."""
    types = {id(node) for top in ast.walk(tree) for node in left_alone(top)}
    for node in ast.walk(tree):
        if id(node) in types:
            continue
        if type(getattr(node, "op", None)) in SWAPPED:
            yield node, lambda node=node: setattr(node, "op", SWAPPED[type(node.op)]())
        elif isinstance(node, ast.Compare):
            for i, op in enumerate(node.ops):
                yield node, lambda ops=node.ops, i=i, op=op: ops.__setitem__(i, SWAPPED[type(op)]())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, lambda node=node: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, lambda node=node: setattr(node, "value", not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield node, lambda node=node: setattr(node, "value", node.value + 1)
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, lambda node=node: setattr(node, "value", node.value * 1.5 or 1.0)


def left_alone(node):
    """Annotations, which do nothing, and `strict=True`, which no right program meets."""
    for name in ("annotation", "returns"):
        if getattr(node, name, None):
            yield from ast.walk(getattr(node, name))
    if isinstance(node, ast.keyword) and node.arg == "strict":
        yield node.value


class Finder:
    """Imports one module from a tree."""

    def __init__(self, name, path, tree):
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            loader = SourceFileLoader(name, self.path)
            loader.get_code = lambda name: compile(self.tree, self.path, "exec")
            return spec_from_file_location(name, self.path, loader=loader)
        return None


def outcome(name, path, tree, limit):
    """What the tests of a module say of this tree of it; they have `limit` seconds."""
    child = os.fork()
    if not child:
        signal.alarm(int(limit))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, Finder(name, path, tree))
        words = "-x -q -o addopts= -p no:cacheprovider -p no:xdist --hypothesis-seed=0"
        os._exit(pytest.main([*words.split(), *TESTS[name].split()]))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return NO_END if os.WTERMSIG(status) == signal.SIGALRM else NOTICED
    return NOTICED if os.WEXITSTATUS(status) else MISSED


def try_out(name, count, seed):
    """Prints what came of changes drawn from a module; returns how many were made and noticed."""
    path = find_spec(name).origin
    with open(path, encoding="utf-8") as file:
        source = file.read()
    started = time.monotonic()
    if outcome(name, path, ast.parse(source), 600) != MISSED:
        raise SystemExit(f"{name}: {TESTS[name]} fail without a change")
    limit = 10 + 5 * (time.monotonic() - started)
    total = len(list(changes(ast.parse(source))))
    drawn = sorted(random.Random(f"{seed} {name}").sample(range(total), min(count, total)))
    found = []
    for number in drawn:
        tree = ast.parse(source)
        node, change = list(changes(tree))[number]
        before = ast.unparse(node)
        change()
        found.append(outcome(name, path, ast.fix_missing_locations(tree), limit))
        after, line = ast.unparse(node), getattr(node, "lineno", 0)
        print(f"{found[-1]:8} {name}:{line} [{number}] {before} -> {after}", flush=True)
    noticed = len(found) - found.count(MISSED)
    print(f"{name}: {noticed} of {len(found)} noticed, of {total} changes that there are", flush=True)
    return len(found), noticed


def run():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="module", help=", ".join(TESTS))
    parser.add_argument("-n", type=int, default=10, help="changes of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    words = parser.parse_args()
    for name in PRELOADED:
        importlib.import_module(name)
    found = [try_out(name, words.n, words.seed) for name in words.modules]
    made, noticed = map(sum, zip(*found, strict=True))
    print(f"{noticed} of {made} noticed, {noticed / made:.1%}")


if __name__ == "__main__":
    run()
