"""Threads end, whatever happens to the one who waits for them."""

import os
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

import utils
from model import SRCNN
from srcnn.system import threads
from srcnn.system.errors import InputError
from srcnn.system.threads import Budget, cores, in_threads
from srcnn.testing import evaluate
from srcnn.tf1 import tf
from tests.conftest import ROOT


def ends(function, *arguments):
    """Runs a function in a thread that must end; returns what it raised."""
    raised = []

    def run():
        try:
            function(*arguments)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return raised[0] if raised else None


def test_results_come_in_order():
    assert list(in_threads(lambda n: n * n, range(50))) == [n * n for n in range(50)]


def test_what_nobody_waits_for_is_not_begun():
    begun, go = [], threading.Event()

    def work(item):
        begun.append(item)
        return item == 0 or go.wait(60)

    results = in_threads(work, range(9), workers=2)
    assert next(results)  # the next two are in work, or about to be
    threading.Timer(0.5, go.set).start()
    results.close()
    assert set(begun) <= {0, 1, 2}


@pytest.mark.parametrize("kind", ["error of the reader", "closed", "error of a worker"])
def test_nobody_waits_for_a_budget_for_ever(kind):
    budget = Budget(10)

    def work(n):
        budget.take(8)  # and never gives it back
        if kind == "error of a worker":
            raise InputError
        return n

    def use():
        results = in_threads(work, range(9), 1, budget)
        next(results)
        if kind == "closed":
            results.close()
        raise SystemExit(1)

    assert isinstance(ends(use), (SystemExit, InputError))


def test_a_test_of_large_images_can_be_ended(photographs, monkeypatch):
    """As Ctrl-C does while one image is in the network and the next one waits for room."""
    monkeypatch.setattr(evaluate, "PIXELS", 5000)  # one image

    def interrupted(*_):
        raise SystemExit(130)

    monkeypatch.setattr(evaluate, "super_resolve", interrupted)
    with tf.Graph().as_default(), tf.Session() as sess:
        srcnn = SRCNN(sess)
        paths = utils.prepare_data(photographs)
        assert isinstance(ends(partial(list, evaluate.evaluate(srcnn, paths))), SystemExit)


def test_a_budget_is_kept():
    most, now, lock = [0], [0], threading.Lock()
    with Budget(10) as budget:

        def work(amount):
            budget.take(amount)
            with lock:
                now[0] += amount
                most[0] = max(most[0], now[0] if amount <= 10 else 0)
            with lock:
                now[0] -= amount
            budget.give(amount)
            return amount

        amounts = [*np.random.default_rng(0).integers(1, 10, 200).tolist(), 99, 3]
        assert list(in_threads(work, amounts)) == amounts
    assert 1 <= most[0] <= 10


def test_what_is_made_ahead_costs_no_more_than_there_is():
    """Until the next result is asked for; what costs more than there is is made alone."""
    amounts = [4, 4, 4, 30, 0, 6, 5, 1, 1, 1]
    most, now, lock = [], [0], threading.Lock()

    def work(amount):
        with lock:
            now[0] += amount
            most.append(now[0])
        return amount

    done = []
    for amount in in_threads(work, amounts, 3, Budget(10), cost=lambda amount: amount):
        time.sleep(0.01)
        done.append(amount)
        with lock:
            now[0] -= amount
    assert done == amounts
    assert max(most[:3] + most[5:]) <= 10 and max(most) == 30


def test_cores_are_those_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 9}, raising=False)
    assert cores() == 3


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_a_container_may_have_fewer_cores(tmp_path, monkeypatch, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert threads.quota(tmp_path) == expected
    monkeypatch.setattr(threads, "CGROUPS", tmp_path)
    monkeypatch.setattr(threads, "schedulable_cores", lambda: 3)
    assert threads.cores() == min(3, expected or 3)


def test_tensorflow_keeps_to_the_limit_of_a_container(tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000")
    program = f"""
import os, pathlib
from srcnn.system import threads
threads.CGROUPS, threads.schedulable_cores = pathlib.Path({str(tmp_path)!r}), lambda: 64
from srcnn import tf1
print(os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["TF_NUM_INTEROP_THREADS"])
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    for more, expected in (({}, ["1", "1"]), ({"TF_NUM_INTRAOP_THREADS": "7"}, ["7", "1"])):
        env |= {"PYTHONPATH": str(ROOT), **more}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
        assert done.stdout.split() == expected, done.stderr
