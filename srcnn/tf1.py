"""TensorFlow as 1.x, quiet, `from srcnn.tf1 import tf` everywhere; and the only place that makes sessions."""

import gc
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import Any

from srcnn.system import signals
from srcnn.system.errors import InputError, first_line
from srcnn.system.terminal import silenced, waiting
from srcnn.system.threads import cores, schedulable_cores

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# By itself TensorFlow takes oneDNN's kernels only on processors with AVX512_VNNI, AVX512_BF16 or AMX; on the
# others, with AVX2, the program runs twice as fast with them.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if cores() < schedulable_cores():  # by a container's limit, of which TensorFlow does not know
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(cores()))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(cores()))


@contextmanager
def _without(*packages):
    """Keeps optional packages from being imported in the block; they can be afterwards."""
    blocked = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


@contextmanager
def _uncollected():
    """Does not look for garbage in the block, nor ever again among what is there at its end.

    An import makes hundreds of thousands of objects that stay, and looking at them takes a fifth of its time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


# TensorFlow loads Keras, if it can, and that loads Matplotlib: a quarter of the time of its import, and an
# error where MPLBACKEND names one that is not here, as in every process that Jupyter starts.
with waiting("Loading TensorFlow ..."), silenced(), _uncollected(), _without("keras", "tf_keras"):
    import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.disable_v2_behavior()
    # TF32 keeps 10 bits: too few for the curvature, and scores would differ from those of a CPU.
    tf.config.experimental.enable_tensor_float_32_execution(False)

DIRECTLY = "no_grpc_proxy", "no_proxy"  # variables of which gRPC takes the first that is there
NOBODY = "/job:nobody"  # a filter of devices that no machine passes
CLOSING = 1  # seconds for the closing of a session; one whose machines are gone would wait for them


def settings(**options):
    """Of a session or server; memory of GPUs is taken as it is needed."""
    config = tf.ConfigProto(**options)
    config.gpu_options.allow_growth = True
    return config


@contextmanager
def session(cpus=1):
    """A graph of its own as the default, and a session for it on this machine.

    cpus: logical ones, which share out a batch as several GPUs do. Raises MemoryError where TensorFlow ran
    out of memory.
    """
    config = settings(device_count={"CPU": cpus})
    with _memory_said(), tf.Graph().as_default():
        with silenced():  # some messages come with the first session
            sess = tf.Session(config=config)
        with sess:
            yield sess


@contextmanager
def cluster_session(target, tasks=(), timeout=0):
    """The same on machines of a cluster; what is placed nowhere else is on the first of them.

    target: address of the server that leads the session. tasks: places of the machines in Cluster.hosts;
    none: on that server alone, whichever it is. timeout: seconds for each run, 0 for no limit.
    Raises one of failures.MACHINE_FAILURES when a machine does not answer.
    """
    filters = [device_of(task) for task in tasks] or [NOBODY]
    config = settings(
        operation_timeout_in_ms=int(1000 * timeout), device_filters=filters, allow_soft_placement=True
    )
    with _memory_said(), tf.Graph().as_default(), tf.device(filters[0] if tasks else None):
        sess = tf.Session(target, config=config)
        nothing = tf.no_op()
        try:
            # TensorFlow's own limit does not end the making of a session whose machines are gone.
            _in_time(timeout + CLOSING if timeout else None, lambda: sess.run(nothing))
            yield sess
        finally:
            with suppress(tf.errors.OpError):
                _in_time(CLOSING, sess.close)


def _in_time(seconds, function):
    """Calls a function in a thread, which is left alone when it takes longer: DeadlineExceededError."""
    outcome: list[tuple[Any, Exception | None]] = []

    def call():
        try:
            outcome.append((function(), None))
        except Exception as error:
            outcome.append((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise tf.errors.DeadlineExceededError(None, None, f"no answer in {seconds} s")
    result, error = outcome[0]
    if error:
        raise error
    return result


@contextmanager
def _memory_said():
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def device_of(task):
    """TensorFlow's name of a machine of a cluster."""
    return f"/job:worker/task:{task}"


def serve(cluster):
    """Starts this machine's TensorFlow server, which cannot be ended before the process; returns its address.

    It listens on all addresses of the machine: TensorFlow does not let one be chosen.
    Raises InputError if the port is taken.
    """
    signals.at_once = True  # its threads do not survive Python's teardown in the middle of a step
    _reach_directly(cluster.hosts)
    spec = tf.train.ClusterSpec({"worker": list(cluster.hosts)})
    try:
        with silenced():
            server = tf.train.Server(spec, job_name="worker", task_index=cluster.task, config=settings())
    except tf.errors.OpError as error:
        host = cluster.hosts[cluster.task]
        raise InputError(f"{host}: cannot start a server there ({first_line(error)})") from error
    _servers.append(server)
    return server.target


_servers: list[Any] = []  # for as long as the process lives


def _reach_directly(hosts):
    """Keeps gRPC from looking for the machines behind the proxy that a company has for the web."""
    before = [os.environ[name] for name in DIRECTLY if name in os.environ][:1]
    os.environ[DIRECTLY[0]] = ",".join([*before, *(host.rpartition(":")[0].strip("[]") for host in hosts)])


def say_gpus(sess) -> None:
    """Prints which GPUs the session has; nothing where it has none."""
    names = [device.name for device in sess.list_devices() if device.device_type == "GPU"]
    if not names:
        return
    cards = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    models = ", ".join(card.get("device_name", "unknown model") for card in cards)
    print(f"computing on GPU: {models or ', '.join(names)}")


def towers(sess):
    """Names of the devices that share out a batch: each machine's GPUs, or its CPUs where it has none.

    One device alone has the name "": everything is placed as TensorFlow does it by itself.
    """
    machines: dict[int, dict[str, list[tuple[int, str]]]] = {}
    for device in sess.list_devices():
        spec = tf.DeviceSpec.from_string(device.name)
        if spec.device_type in ("CPU", "GPU"):
            found = machines.setdefault(spec.task or 0, {"CPU": [], "GPU": []})
            found[spec.device_type].append((spec.device_index, device.name))
    chosen = [
        name for _, kinds in sorted(machines.items()) for _, name in sorted(kinds["GPU"] or kinds["CPU"])
    ]
    return chosen if len(chosen) > 1 else [""]
