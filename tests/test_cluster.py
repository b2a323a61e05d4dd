"""Several machines, as processes on the loopback: who they are, what they are told, faults."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
import tensorflow.compat.v1 as tf
from conftest import ROOT, network_of
from test_reliability import flags
from test_towers import EPOCHS, SMALL, assert_same_but_for_rounding, trained

import devices
import main
import workers
from checkpoints import Checkpoints
from cluster import Cluster
from errors import InputError
from model import SRCNN
from signals import Stop
from weights import latest_checkpoint
from workers import Crew

A, B, C = "a:2222", "b:2222", "c:2222"


def tf_config(jobs, kind="worker", index=0):
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("jobs", "place", "expected"),
    [
        ({"chief": [A], "worker": [B, C]}, ("worker", 1), ((A, B, C), 2)),
        ({"worker": [B, C], "master": [A]}, ("master", 0), ((A, B, C), 0)),
        ({"worker": [A, B], "ps": []}, ("worker", 1), ((A, B), 1)),
        ({"worker": ["[::1]:1", "[::1]:2"]}, ("worker", 0), (("[::1]:1", "[::1]:2"), 0)),
        ({"chief": [A]}, ("chief", 0), None),  # as Vertex AI says to a machine alone
        ({}, ("worker", 0), None),
    ],
)
def test_tf_config_names_the_machines(monkeypatch, jobs, place, expected):
    monkeypatch.setenv("TF_CONFIG", tf_config(jobs, *place))
    assert main.parse_flags([]).cluster == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--task_index 1", ((A, B, C), 1)),
        ("--job_name worker --task_index 0", ((A, B, C), 0)),
        ("--job_name chief", ((A, B, C), 0)),
    ],
)
def test_flags_name_the_machines(words, expected):
    assert main.parse_flags([*words.split(), "--worker_hosts", f"{A},{B},{C}"]).cluster == expected


def test_nothing_names_no_machines(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main.parse_flags([]).cluster is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("chief", "is not of the form"),
        ("[]", "is not of the form"),
        ('{"cluster": {"worker": 3}}', "is not of the form"),
        (tf_config({"chief": [A], "ps": [B]}), "has ps"),
        (tf_config({"chief": [A, B]}), "more than one chief"),
        (tf_config({"chief": [A], "worker": [B]}, "worker", 1), "said to be none of its"),
        (tf_config({"worker": [A]}, "worker", 3), "said to be none of its"),
        (tf_config({"chief": [A], "worker": [A]}), "named twice"),
        (tf_config({"chief": [A], "worker": ["b"]}), "'b' is not an address with a port"),
        (tf_config({"chief": [A], "worker": ["b:99999"]}), "'b:99999' is not an address"),
    ],
)
def test_an_environment_that_makes_no_sense_is_said(monkeypatch, fails, text, what):
    monkeypatch.setenv("TF_CONFIG", text)
    error = fails()
    assert "TF_CONFIG" in error and what in error


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("--task_index 1", "add that"),
        ("--worker_hosts a:1,b:1", "Add --task_index"),
        ("--worker_hosts a:1,b:1 --task_index 2", "none of its 2"),
        ("--worker_hosts a:1 --task_index 5", "none of its 1"),
        ("--worker_hosts a:1,b --task_index 0", "'b' is not"),
        ("--worker_hosts a:1,b:1 --job_name chief --task_index 1", "leave one out"),
    ],
)
def test_flags_that_make_no_sense_are_said(fails, words, what):
    assert what in fails(*words.split())


def test_two_ways_at_once_are_said(monkeypatch, fails):
    monkeypatch.setenv("TF_CONFIG", tf_config({}))
    assert "leave one out" in fails("--worker_hosts", "a:1,b:1", "--task_index", 0)


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def test_a_port_that_is_taken_is_said(fails):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        hosts = f"127.0.0.1:{free_ports(1)[0]},127.0.0.1:{port}"
        assert f":{port}: no server can be started" in fails("--worker_hosts", hosts, "--task_index", 1)


HOLDING = """
import sys
import devices, main
import training, workers
training.CHECKPOINT_STEPS = 10
workers.PROBE = 2
step, holds = training.train_step, {int(word) for word in sys.argv[1].split()}
def held_step(srcnn, number, *rest):
    if number in holds:
        holds.discard(number)
        print(f"step {number}", flush=True)
        sys.stdin.readline()
    return step(srcnn, number, *rest)
training.train_step = held_step
sys.exit(main.main(sys.argv[2:]))
"""


PATIENT, IMPATIENT = 200, 12  # seconds that a chief waits for a machine, far longer than a step takes


class Machine:
    """A process of a cluster. holds: steps before which a chief says so and waits to be let `go`."""

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
        read = []
        for line in self.process.stdout:
            read.append(line)
            if text in line:
                return line
        raise AssertionError("".join(read) + self.process.stderr.read())

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends(self):
        """Exit status, the rest of its output, and its errors."""
        output, errors = self.process.communicate(timeout=300)
        return self.process.returncode, output, errors


def cluster_words(photographs, folder, count):
    hosts = ",".join(f"127.0.0.1:{port}" for port in free_ports(count))
    words = flags(photographs, folder, *SMALL, "--learning_rate", 0.1, "--worker_hosts", hosts)
    return words, hosts.split(",")


def test_a_training_survives_what_happens_to_machines(photographs, tmp_path):
    """Late, killed, started again, stopped and continued, the chief killed: the weights are those of one."""
    assert main.main(flags(photographs, tmp_path / "one", *SMALL, "--learning_rate", 0.1)) == 0
    words, (leader, host) = cluster_words(photographs, tmp_path / "two", 2)
    with ExitStack() as stack:
        chief = Machine(stack, words, 0, holds="15 35")
        assert host in chief.until("waits")
        worker = Machine(stack, words, 1)
        chief.until("step 15")
        worker.process.kill()
        chief.go()
        chief.until("is lost")
        assert host in chief.until("waits")
        worker.process.wait()
        worker = Machine(stack, words, 1)
        chief.until("step 35")
        chief.process.kill()
        chief.process.wait()
        chief = Machine(stack, words, 0, "--timeout", IMPATIENT, holds="45 65")
        chief.until("step 45")
        worker.process.send_signal(signal.SIGSTOP)
        chief.go()
        chief.until("is lost")
        assert host in chief.until("goes on without")
        chief.until("step 65")
        worker.process.send_signal(signal.SIGCONT)
        assert host in chief.until("taken in")
        chief.go()
        status, output, errors = chief.ends()
        assert status == 0, errors
        status, output, errors = worker.ends()
        assert (status, errors) == (0, "") and f"the chief, {leader}, is done" in output
    assert_same_but_for_rounding(trained(tmp_path / "two"), trained(tmp_path / "one"))


def test_a_worker_with_other_flags_is_refused_and_the_others_end_with_the_chief(photographs, tmp_path):
    words, hosts = cluster_words(photographs, tmp_path / "two", 3)
    with ExitStack() as stack:
        chief = Machine(stack, words, 0, holds=str(EPOCHS))
        other, worker = Machine(stack, words, 1, "--seed", 3), Machine(stack, words, 2)
        status, _, errors = other.ends()
        assert status == 2 and "--seed 3 (the chief: 0)" in errors and errors.count("\n") == 1
        assert f"{hosts[1]} is refused" in chief.until("refused")
        chief.until(f"step {EPOCHS}")
        chief.process.send_signal(signal.SIGINT)
        chief.go()
        assert chief.ends()[0] == worker.ends()[0] == 128 + signal.SIGINT


def test_an_error_before_the_training_ends_the_workers_too(photographs, tmp_path, capfd):
    (photographs / "image 1.png").write_bytes(b"broken")
    words, hosts = cluster_words(photographs, tmp_path / "two", 2)
    with ExitStack() as stack:
        worker = Machine(stack, words, 1)
        worker.until("works for the chief")
        assert main.main([*words, "--task_index", "0"]) == 2
        status, _, errors = worker.ends()
    assert status == 2 and errors.count("\n") == 1
    assert f"the chief, {hosts[0]}, ended: " in errors and "image 1.png" in errors


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(SystemExit(130), 130, "was stopped"), (MemoryError(), 2, "ended: MemoryError"), (None, 0, "is done")],
)
def test_workers_end_as_their_chief(monkeypatch, error, status, reason):
    told = []
    monkeypatch.setattr(devices, "serve", lambda cluster: "")
    monkeypatch.setattr(Crew, "dismiss", lambda self, *words: told.append(words))
    with suppress(BaseException), Crew(Cluster((A, B), 0), {}, 30):
        if error:
            raise error
    assert told == [(status, reason)]


@pytest.fixture
def crew(monkeypatch):
    """Makes a Crew of a chief and two workers without servers. tried: the machines of its sessions."""

    def made(hosts=(A, B, C), timeout=0.1):
        monkeypatch.setattr(devices, "serve", lambda cluster: "")
        crew, tried = Crew(Cluster(hosts, 0), {}, timeout), []

        @contextmanager
        def session(target, tasks, seconds):
            tried.append(tasks)
            yield tasks

        monkeypatch.setattr(devices, "cluster_session", session)
        return crew, tried

    return made


LATE = tf.errors.DeadlineExceededError(None, None, "late")
GONE = tf.errors.UnavailableError(None, None, "gone")
ALL = [0, 1, 2]


@pytest.mark.parametrize(
    ("fatal", "error", "seen_missing", "expected"),
    [
        ({1, 2}, LATE, [], [ALL, ALL, ALL, [0]]),  # a step takes too long; a firewall lets one way through
        ({1}, GONE, [1], [ALL, ALL, ALL, [0, 2]]),  # killed before each checkpoint, and started again
        ({1}, GONE, [2], [ALL, ALL, ALL, [0, 1], [0, 1], [0, 1], [0]]),  # the wrong one suspected
    ],
)
def test_a_training_goes_on_without_those_who_keep_it_from_a_checkpoint(
    crew, monkeypatch, fatal, error, seen_missing, expected
):
    crew, tried = crew()
    looks = iter([[]] + [seen_missing, []] * 9)

    def absent(tasks, seconds=None):
        return next(looks) if len(tasks) == 2 or seen_missing else []

    monkeypatch.setattr(crew, "absent", absent)

    def work(tasks, pausing):
        if fatal & set(tasks):
            raise error
        return "done"

    assert crew.lead(work, Stop()) == "done"
    assert tried == expected


def test_failures_without_end_end_the_training_but_not_those_with_progress(crew, monkeypatch):
    crew, tried = crew()
    monkeypatch.setattr(crew, "absent", lambda tasks, seconds=None: [])

    def work(tasks, pausing):
        if len(tried) < 30:
            pausing()  # there is a new checkpoint
        raise GONE

    with pytest.raises(InputError, match="10 times without a new checkpoint: gone"):
        crew.lead(work, Stop())
    assert tried == [ALL] * 31 + [[0]] * 7


def test_who_did_not_answer_in_time_is_not_waited_for_again(monkeypatch):
    """A machine that accepts connections and says nothing, as one that is stopped does."""
    monkeypatch.setattr(workers, "PROBE", 1)
    monkeypatch.setattr(devices, "serve", lambda cluster: "")
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen()
        crew = Crew(Cluster((A, f"127.0.0.1:{hung.getsockname()[1]}"), 0), {}, 60)
        for patience, most in ((0, 15), (3, 18)):
            started = time.monotonic()
            assert crew.gather(patience, []) == [1]
            assert patience < time.monotonic() - started < most


def test_a_slow_disk_is_waited_for(tmp_path):
    """The limit of a session is for machines that do not answer."""
    limited = tf.ConfigProto(operation_timeout_in_ms=2000)
    with tf.Graph().as_default(), tf.Session(config=limited) as sess:
        srcnn = SRCNN(sess, network_of("3-1-3"))
        srcnn.build_descent("none", [""])
        checkpoints = Checkpoints(srcnn, tmp_path, {})
        with tf.control_dependencies([tf.py_func(lambda: time.sleep(2.5), [], [])]):
            checkpoints.saver = tf.train.Saver(max_to_keep=None)
        assert checkpoints.restore() == 0
        checkpoints.save(7, 1)
        assert checkpoints.restore() == 0 and latest_checkpoint(tmp_path).endswith("model-7")
