"""Several machines, as processes on the loopback: who they are, what they are told, faults."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

import main
from tests.conftest import ROOT
from tests.helpers.machines import A, B, C, free_ports, tf_config
from tests.helpers.trainings import EPOCHS, SMALL, assert_same_but_for_rounding, flags, trained


@pytest.mark.parametrize(
    ("jobs", "place", "expected"),
    [
        ({"chief": [A], "worker": [B, C]}, ("worker", 1), ((A, B, C), 2)),
        ({"worker": [B, C], "master": [A]}, ("master", 0), ((A, B, C), 0)),
        ({"worker": [A, B], "ps": []}, ("worker", 1), ((A, B), 1)),
        ({"master": [A], "worker": [B], "ps": [A, B]}, ("worker", 0), ((A, B), 1)),  # as SageMaker says it
        ({"worker": ["[::1]:1", "[::1]:2"]}, ("worker", 0), (("[::1]:1", "[::1]:2"), 0)),
        ({"chief": [A]}, ("chief", 0), None),  # as Vertex AI says to a machine alone
        ({}, ("worker", 0), None),
    ],
)
def test_tf_config_names_the_machines(monkeypatch, jobs, place, expected):
    monkeypatch.setenv("TF_CONFIG", tf_config(jobs, *place))
    assert main.parse([]).cluster == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--task_index 1", ((A, B, C), 1)),
        ("--job_name worker --task_index 0", ((A, B, C), 0)),
        ("--job_name chief", ((A, B, C), 0)),
    ],
)
def test_flags_name_the_machines(words, expected):
    assert main.parse([*words.split(), "--worker_hosts", f"{A},{B}, {C}"]).cluster == expected


def test_nothing_names_no_machines(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main.parse([]).cluster is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("chief", "does not have the form"),
        ("[]", "does not have the form"),
        ('{"cluster": {"worker": 3}}', "does not have the form"),
        (tf_config({"chief": [A], "worker": [B]}, "worker", 0.7), "does not have the form"),
        (tf_config({"chief": [A], "worker": [B]}, "worker", float("inf")), "does not have the form"),
        (tf_config({"chief": [A], "worker": [B], "ps": [C]}, "ps"), "this machine is a ps"),
        (tf_config({"chief": [A], "gardener": [B]}), "lists gardener"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker"}}', "is none of the"),
        (tf_config({"chief": [A, B]}), "more than one chief"),
        (tf_config({"chief": [A], "worker": [B]}, "worker", 1), "is none of the"),
        (tf_config({"worker": [A]}, "worker", 3), "is none of the"),
        (tf_config({"chief": [A], "worker": [A]}), "appears twice"),
        (tf_config({"chief": [A], "worker": ["b"]}), "'b' is not an address with a port"),
        (tf_config({"chief": [A], "worker": ["b:99999"]}), "'b:99999' is not an address"),
        (tf_config({"chief": [A], "worker": ["grpc://b:1"]}), "'grpc://b:1' is not an address"),
    ],
)
def test_an_environment_that_makes_no_sense_is_said(monkeypatch, fails, text, what):
    monkeypatch.setenv("TF_CONFIG", text)
    error = fails()
    assert "TF_CONFIG" in error and what in error


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("--task_index 1", "add that flag"),
        ("--worker_hosts a:1,b:1", "needs --task_index"),
        ("--worker_hosts a:1,b:1 --task_index 2", "none of the 2"),
        ("--worker_hosts a:1 --task_index 5", "none of the 1"),
        ("--worker_hosts a:1,b --task_index 0", "'b' is not"),
        ("--worker_hosts a:1,b:1 --job_name chief --task_index 1", "leave one out"),
    ],
)
def test_flags_that_make_no_sense_are_said(fails, words, what):
    assert what in fails(*words.split())


def test_two_ways_at_once_are_said(monkeypatch, fails):
    monkeypatch.setenv("TF_CONFIG", tf_config({}))
    assert "leave one out" in fails("--worker_hosts", "a:1,b:1", "--task_index", 0)


# Of this process alone, and below those that connections get by themselves.


def test_a_port_that_is_taken_is_said(fails):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        hosts = f"127.0.0.1:{free_ports(1)[0]},127.0.0.1:{port}"
        assert f":{port}: cannot start a server" in fails("--worker_hosts", hosts, "--task_index", 1)


HOLDING = """
import sys
import main
from srcnn import tf1
from srcnn.system import signals
from srcnn.training import loop
from srcnn.cluster import workers
signals.on_signals(signals.leave)
loop.CHECKPOINT_STEPS = 10
workers.PROBE = 2
step, holds = loop.train_step, set(sys.argv[1].split())
def held_step(srcnn, number, *rest):
    for hold in holds & {f"{number}", f"{number}!"}:
        holds.discard(hold)
        print(f"step {number}", flush=True)
        sys.stdin.readline()
        if "!" in hold:
            run, soon = srcnn.sess.run, tf1.tf.RunOptions(timeout_in_ms=3000)
            srcnn.sess.run = lambda *words: run(*words, options=soon)
    return step(srcnn, number, *rest)
loop.train_step = held_step
if "start" in holds:
    sys.stdin.readline()
main.run(sys.argv[2:])
"""


PATIENT = 200  # seconds that a chief waits for a machine, far longer than a step takes
DEADLINE = 300  # seconds, far longer than anything takes


class Machine:
    """A process of a cluster.

    holds: steps before which a chief says so and waits to be let `go`, and "start" to wait before all of it;
    from one with a ! on it waits no longer than 3 seconds for an answer.
    """

    def __init__(self, stack, words, task, *more, holds=""):
        words = [*words, "--task_index", task, "--timeout", PATIENT, *more]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", HOLDING, holds, *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(self.end)

    def end(self):
        self.process.kill()
        self.process.communicate()

    def until(self, text):
        """Reads to a line that has this text."""
        read, alarm = [], threading.Timer(DEADLINE, self.process.kill)
        alarm.start()
        try:
            for line in self.process.stdout:
                read.append(line)
                if text in line:
                    return line
        finally:
            alarm.cancel()
        raise AssertionError("".join(read) + self.process.stderr.read())

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends(self):
        """Exit status, the rest of its output, and its errors."""
        output, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, output, errors


def cluster_words(photographs, folder, count):
    hosts = ",".join(f"127.0.0.1:{port}" for port in free_ports(count))
    words = flags(photographs, folder, *SMALL, "--learning_rate", 0.1, "--worker_hosts", hosts)
    return words, hosts.split(",")


def test_a_training_survives_what_happens_to_machines(photographs, tmp_path):
    """Late, killed, started again, stopped and continued, the chief killed: the weights are those of one."""
    words, (leader, host, _) = cluster_words(photographs, tmp_path / "three", 3)
    with ExitStack() as stack:
        chief, steady = Machine(stack, words, 0, holds="15 35"), Machine(stack, words, 2)
        assert main.main(flags(photographs, tmp_path / "one", *SMALL, "--learning_rate", 0.1)) == 0
        assert host in chief.until("waiting")
        worker = Machine(stack, words, 1)
        next_chief = Machine(stack, words, 0, holds="start 45! 65")
        next_worker = Machine(stack, words, 1, holds="start")
        chief.until("step 15")
        worker.process.kill()
        chief.go()
        chief.until("lost a machine")
        assert host in chief.until("waiting")
        worker, _ = next_worker, worker.process.wait()
        worker.go()
        chief.until("step 35")
        chief.process.kill()
        chief, _ = next_chief, chief.process.wait()
        chief.go()
        chief.until("step 45")
        worker.process.send_signal(signal.SIGSTOP)
        chief.go()
        chief.until("lost a machine")
        assert host in chief.until("continuing without")
        chief.until("step 65")
        worker.process.send_signal(signal.SIGCONT)
        assert host in chief.until("joins after")
        chief.go()
        status, _, errors = chief.ends()
        assert status == 0, errors
        for machine in (worker, steady):
            status, output, errors = machine.ends()
            assert (status, errors) == (0, "") and f"the chief, {leader}, has finished" in output
    assert_same_but_for_rounding(trained(tmp_path / "three"), trained(tmp_path / "one"))


def test_a_worker_with_other_flags_is_refused_and_the_others_end_with_the_chief(
    usual_signals, photographs, tmp_path
):
    words, hosts = cluster_words(photographs, tmp_path / "two", 3)
    with ExitStack() as stack:
        chief = Machine(stack, words, 0, holds=str(EPOCHS))
        other, worker = Machine(stack, words, 1, "--seed", 3), Machine(stack, words, 2)
        status, _, errors = other.ends()
        assert status == 2 and "--seed 3 (the chief: 0)" in errors and errors.count("\n") == 1
        assert f"refused {hosts[1]}" in chief.until("refused")
        chief.until(f"step {EPOCHS}")
        chief.process.send_signal(signal.SIGINT)
        chief.go()
        assert chief.ends()[0] == worker.ends()[0] == 128 + signal.SIGINT


def test_an_error_before_the_training_ends_the_workers_too(photographs, tmp_path, capfd):
    (photographs / "image 1.png").write_bytes(b"broken")
    words, hosts = cluster_words(photographs, tmp_path / "two", 2)
    with ExitStack() as stack:
        worker = Machine(stack, words, 1)
        worker.until("working for the chief")
        assert main.main([*words, "--task_index", "0"]) == 2
        status, _, errors = worker.ends()
    assert status == 2 and errors.count("\n") == 1
    assert f"the chief, {hosts[0]}, ended: " in errors and "image 1.png" in errors


def test_workers_with_a_wrong_place_are_refused(photographs, tmp_path):
    """Their lists differ from the chief's, so that each is where it expects the other."""
    words, hosts = cluster_words(photographs, tmp_path / "two", 3)
    turned = ",".join([hosts[0], hosts[2], hosts[1]])
    with ExitStack() as stack:
        chief = Machine(stack, words, 0, holds="15")
        for other in [Machine(stack, [*words, "--worker_hosts", turned], task) for task in (1, 2)]:
            status, _, errors = other.ends()
            assert status == 2 and errors.count("\n") == 1
            assert f" in {turned} (the chief: " in errors
        chief.until("step 15")
        workers = [Machine(stack, words, task) for task in (1, 2)]
        for worker in workers:
            worker.until("working for the chief")
        chief.go()
        assert [machine.ends()[0] for machine in (chief, *workers)] == [0, 0, 0]


def test_a_worker_that_is_told_to_stop_in_a_step_does_so(photographs, tmp_path, monkeypatch):
    """And machines do without the proxy that there is for the web."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    words, hosts = cluster_words(photographs, tmp_path / "two", 2)
    with ExitStack() as stack:
        chief, worker = (Machine(stack, words, task, "--epoch", 10**6) for task in (0, 1))
        chief.until("epoch 1")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ends()[0] == 128 + signal.SIGTERM
        assert hosts[1] in chief.until("waiting")
        chief.process.send_signal(signal.SIGTERM)
        assert chief.ends()[0] == 128 + signal.SIGTERM
