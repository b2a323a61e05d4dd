"""The machines of a training: workers wait for orders, the chief takes in those that answer.

Every machine runs TensorFlow's server. In a worker's own server are what it says of itself and a queue of
orders; the chief reads and writes them in a session with that worker alone.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

from srcnn import tf1
from srcnn.cluster.cluster_spec import Cluster
from srcnn.cluster.failures import MACHINE_FAILURES
from srcnn.system.errors import InputError, first_line
from srcnn.system.signals import Stop
from srcnn.tf1 import tf

POLL = 0.3  # seconds between two looks for orders, or for machines that did not answer
PROBE = 5  # seconds for an answer to the question who is there
FAREWELL = 10  # seconds for a worker to take its last order
TRIES = 3  # failures since the last checkpoint after which suspected workers are left out; twice that: all
FAILURES = 10  # since the last checkpoint, after which the chief ends
ERROR = 2  # the exit status of a worker whose chief refuses it, or ends with an error


def letterbox() -> tuple[tf.Variable, tf.FIFOQueue]:
    """What a machine says of itself, and the queue of its orders, in the default graph, on its server."""
    with tf.device("/cpu:0"):
        statement = tf.Variable("", name="about", trainable=False)
        return statement, tf.FIFOQueue(8, [tf.string], [()], shared_name="orders")


def place(hosts: Sequence[str], task: int) -> dict[str, str]:
    """What a machine says of its place: others that have its port, or lists that differ, are found by it."""
    return {"place": f"{task} in {','.join(hosts)}"}


def work(cluster: Cluster, agreed: dict[str, str]) -> int:
    """A worker: lends its devices until the chief says that all is done; returns the exit status.

    agreed: by their names, values that must be those of the chief. Raises InputError if it is refused.
    """
    target = tf1.serve(cluster)
    with tf1.cluster_session(target) as sess:
        statement, orders = letterbox()
        sess.run(tf.assign(statement, json.dumps(agreed | place(*cluster))))
        waiting, order = orders.size(), orders.dequeue()
        print(f"{cluster.hosts[cluster.task]}: working for the chief, {cluster.hosts[0]}")
        while not sess.run(waiting):  # signals are seen between the looks
            time.sleep(POLL)
        order = json.loads(sess.run(order))
    reason = f"the chief, {cluster.hosts[0]}, {order['reason']}"
    if order["status"] == ERROR:
        raise InputError(reason)
    print(reason)
    return order["status"]


class Crew:
    """The chief's view of a cluster. When the block ends, however it does, the workers end with the chief.

    agreed: by their names, values that must be those of each worker. timeout: seconds after which a machine
    that does not answer is done without. Raises InputError if the port is taken, or another machine is the
    chief: the workers are that one's.
    """

    def __init__(self, cluster: Cluster, agreed: dict[str, str], timeout: float):
        self.hosts, self.agreed, self.timeout, self.stop = cluster.hosts, agreed, timeout, Stop()
        self.target, self.failures = tf1.serve(cluster), 0  # those since the last checkpoint
        self.refused: set[int] = set()
        self.suspects: set[int] = set()  # who was missing after a failure

    def __enter__(self):
        mark = uuid4().hex
        with tf1.cluster_session(self.target) as sess:
            sess.run(tf.assign(letterbox()[0], mark))
        with (
            suppress(tf.errors.OpError),  # some machines do not reach themselves by their name
            tf1.cluster_session(f"grpc://{self.hosts[0]}", timeout=PROBE) as sess,
        ):
            if sess.run(letterbox()[0]) != mark.encode():
                raise InputError(
                    f"{self.hosts[0]}: a chief already runs there; correct --task_index of this machine"
                )
        return self

    def __exit__(self, _, error, __):
        if isinstance(error, SystemExit) and isinstance(error.code, int):  # of a signal
            self.dismiss(error.code, "was stopped")
        elif error:
            self.dismiss(ERROR, f"ended: {first_line(error) or type(error).__name__}")
        elif self.stop.number:
            self.dismiss(128 + self.stop.number, "was stopped")
        else:
            self.dismiss(0, "has finished")

    def lead(self, work: Callable, stop: Stop) -> Any:
        """Calls work(sess, pausing) until it returns something but None, on the machines that answer by then.

        It starts over, from its last checkpoint, when a machine is lost, and when it returns None as
        pausing(), which tells that a missing machine is back, asks of it. stop: see signals.py.
        """
        self.stop, patience = stop, self.timeout
        tried: list[int] = []
        while True:
            missing = self.assemble(patience, tried)
            watch = Watch(self, missing)
            tasks = [task for task in range(len(self.hosts)) if task not in missing]
            timeout = self.timeout if len(tasks) > 1 else 0  # the chief does not wait for itself
            try:
                with watch, tf1.cluster_session(self.target, tasks, timeout) as sess:
                    result = work(sess, pausing=partial(self.advanced, watch))
                if result is not None:
                    return result
                patience, tried = self.timeout, []
            except MACHINE_FAILURES as error:
                self.failures += 1
                reason = reason_of(error)
                if self.failures == FAILURES:
                    raise InputError(f"failed {FAILURES} times without a new checkpoint: {reason}") from error
                print(f"lost a machine ({reason}); training continues from the last checkpoint")
                # Who did not answer for so long is not waited for once more.
                patience = 0 if isinstance(error, tf.errors.DeadlineExceededError) else self.timeout
                tried = tasks

    def advanced(self, watch: "Watch") -> bool:
        """Called after a checkpoint; returns whether a missing machine is back."""
        self.failures, self.suspects = 0, set()
        return watch.returned()

    def left_out(self) -> set[int]:
        """The workers that are done without until the next checkpoint, as none is reached with them."""
        workers = set(range(1, len(self.hosts)))
        if self.failures < TRIES:
            return set()
        return workers if self.failures >= 2 * TRIES else self.suspects or workers

    def assemble(self, patience: float, tried: Sequence[int]) -> list[int]:
        """Waits for the workers, `patience` seconds at most; returns the places of those that are missing.

        tried: those that a failure was with.
        """
        end = time.monotonic() + patience
        missing = self.absent(range(1, len(self.hosts)))
        self.suspects |= set(missing) & set(tried)
        without = self.left_out()
        if without:
            print(f"{self.failures} failures since the last checkpoint: leaving out {self.names(without)}")
        missing = [task for task in missing if task not in without]
        if missing and patience:
            print(f"waiting {patience} s for {self.names(missing)}")
        # One that is refused is not waited for: somebody has to start it anew.
        while not self.refused.issuperset(missing) and time.monotonic() < end and not self.stop.number:
            time.sleep(POLL)
            missing = self.absent(missing, min(PROBE, max(1, end - time.monotonic())))
        if unseen := [task for task in missing if task not in self.refused]:
            print(f"continuing without {self.names(unseen)} until it answers")
        return sorted(without.union(missing))

    def names(self, tasks: Iterable[int]) -> str:
        return ", ".join(self.hosts[task] for task in tasks)

    def absent(self, tasks: Sequence[int], seconds: float | None = None) -> list[int]:
        """Those of the workers that do not answer in so many seconds, by default PROBE, or are refused."""
        with ThreadPoolExecutor(max(1, len(tasks))) as threads:
            answers = threads.map(partial(self.greet, seconds or PROBE), tasks)
            return [task for task, there in zip(tasks, answers, strict=True) if not there]

    def greet(self, seconds: float, task: int) -> bool:
        """Whether a worker is there; one that is not started as the chief is refused."""
        try:
            with tf1.cluster_session(f"grpc://{self.hosts[task]}", timeout=seconds) as sess:
                statement, orders = letterbox()
                others = json.loads(sess.run(statement))
                differences = [
                    f"{name} {others.get(name)} (the chief: {value})"
                    for name, value in (self.agreed | place(self.hosts, task)).items()
                    if others.get(name) != value
                ]
                self.refused.discard(task)
                if differences:
                    self.refused.add(task)
                    reason = f"refuses this worker, which has {', '.join(differences)}"
                    sess.run(orders.enqueue(json.dumps({"status": ERROR, "reason": reason})))
                    print(f"refused {self.hosts[task]}, which has {', '.join(differences)}")
        except tf.errors.OpError:  # not there, or has not said anything yet
            return False
        return not differences

    def dismiss(self, status: int, reason: str) -> None:
        """Tells the workers that answer to end with an exit status; reason: what the chief did."""

        def tell(task):
            try:
                with tf1.cluster_session(f"grpc://{self.hosts[task]}", timeout=FAREWELL) as sess:
                    sess.run(letterbox()[1].enqueue(json.dumps({"status": status, "reason": reason})))
            except tf.errors.OpError:
                if task not in self.refused:  # which was told
                    print(f"{self.hosts[task]} does not answer; end the program there")

        with ThreadPoolExecutor(len(self.hosts)) as threads:
            list(threads.map(tell, range(1, len(self.hosts))))


def reason_of(error: tf.errors.OpError) -> str:
    """The line of an error of a session that says what happened."""
    if isinstance(error, tf.errors.DeadlineExceededError):
        return "no answer in --timeout, which must be longer than a step takes"
    ending = ":", "root error(s) found."  # of lines that say where
    lines = [line for line in error.message.splitlines() if line.strip("= ")]
    return next((line for line in lines if not line.endswith(ending)), error.message)[:200]


class Watch:
    """While the block runs, looks in the background whether machines that were missing answer."""

    def __init__(self, crew: Crew, missing: Sequence[int]):
        self.crew, self.missing, self.ended = crew, missing, threading.Event()
        self.found = threading.Event()

    def __enter__(self):
        if self.missing:
            threading.Thread(target=self.look, daemon=True).start()

    def __exit__(self, *_):
        self.ended.set()

    def look(self) -> None:
        while not self.ended.wait(PROBE):
            absent = self.crew.absent(self.missing)
            if len(absent) < len(self.missing):
                back = self.crew.names(task for task in self.missing if task not in absent)
                print(f"{back} answers; it joins after the next checkpoint")
                self.found.set()
                return

    def returned(self) -> bool:
        return self.found.is_set()
