"""What a chief does about machines that are lost, without real ones."""

import socket
import time
from contextlib import contextmanager, suppress

import pytest

from model import SRCNN
from srcnn import tf1
from srcnn.cluster import workers
from srcnn.cluster.cluster_spec import Cluster
from srcnn.cluster.failures import MACHINE_FAILURES
from srcnn.cluster.workers import Crew
from srcnn.networks.checkpoint_files import latest_checkpoint
from srcnn.system.errors import InputError
from srcnn.system.signals import Stop
from srcnn.tf1 import tf
from srcnn.training.checkpoints import Checkpoints
from tests.conftest import network_of
from tests.helpers.machines import A, B, C, free_ports


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (SystemExit(130), 130, "was stopped"),
        (MemoryError(), 2, "ended: MemoryError"),
        (None, 0, "has finished"),
    ],
)
def test_workers_end_as_their_chief(monkeypatch, error, status, reason):
    told = []
    monkeypatch.setattr(workers, "PROBE", 0.1)
    monkeypatch.setattr(tf1, "serve", lambda cluster: "")
    monkeypatch.setattr(Crew, "dismiss", lambda self, *words: told.append(words))
    with suppress(BaseException), Crew(Cluster((A, B), 0), {}, 30):
        if error:
            raise error
    assert told == [(status, reason)]


def test_a_second_chief_is_refused_before_it_tells_workers_anything(monkeypatch):
    hosts = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    elsewhere = tf1.serve(Cluster(hosts[1:], 0))
    with Crew(Cluster(hosts[:1], 0), {}, 1):
        monkeypatch.setattr(tf1, "serve", lambda cluster: elsewhere)
        monkeypatch.setattr(Crew, "dismiss", lambda *words: pytest.fail("is no chief"))
        with (
            pytest.raises(InputError, match=f"{hosts[0]}: a chief already runs"),
            Crew(Cluster(hosts, 0), {}, 1),
        ):
            pytest.fail("leads")
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Graph execution error:\n\n=====\nUNAVAILABLE: From /job:worker/task:1:\nSocket closed\nmore",
            "Socket closed",
        ),
        (
            "Graph execution error:\n\n2 root error(s) found.\n  (0) UNAVAILABLE: failed to connect",
            "failed to connect",
        ),
        ("nothing more", "nothing more"),
    ],
)
def test_the_reason_of_a_loss_is_one(message, expected):
    assert workers.reason_of(tf.errors.UnavailableError(None, None, message)).endswith(expected)


@pytest.fixture
def crew(monkeypatch):
    """Makes a Crew of a chief and two workers without servers. tried: the machines of its sessions."""

    def made(hosts=(A, B, C), timeout=0.1):
        monkeypatch.setattr(tf1, "serve", lambda cluster: "")
        crew, tried = Crew(Cluster(hosts, 0), {}, timeout), []

        @contextmanager
        def session(target, tasks, seconds):
            tried.append(tasks)
            yield tasks

        monkeypatch.setattr(tf1, "cluster_session", session)
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
    monkeypatch.setattr(tf1, "serve", lambda cluster: "")
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen()
        crew = Crew(Cluster((A, f"127.0.0.1:{hung.getsockname()[1]}"), 0), {}, 60)
        for patience, most in ((0, 15), (3, 18)):
            started = time.monotonic()
            assert crew.assemble(patience, []) == [1]
            assert patience < time.monotonic() - started < most


def test_a_slow_disk_is_waited_for_but_no_machine(tmp_path):
    target = tf1.serve(Cluster((f"127.0.0.1:{free_ports(1)[0]}",), 0))
    with tf1.cluster_session(target, [0], 2) as sess:
        srcnn = SRCNN(sess, network_of("3-1-3"))
        srcnn.build_descent("none", [""])
        checkpoints, slow = Checkpoints(srcnn, tmp_path, {}), tf.py_func(lambda: time.sleep(3), [], [])
        with tf.control_dependencies([slow]):
            checkpoints.saver = tf.train.Saver(max_to_keep=None)
        assert checkpoints.restore() == 0
        checkpoints.save(7, 1, 9)
        assert checkpoints.restore() == 0 and latest_checkpoint(tmp_path).endswith("model-7")
        with pytest.raises(MACHINE_FAILURES):
            sess.run(slow)
