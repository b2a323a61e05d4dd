"""What several tests need of machines."""

import itertools
import json
import os
import socket

A, B, C = "a:2222", "b:2222", "c:2222"


def tf_config(jobs, kind="worker", index=0):
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


PORTS = iter(range(20000 + os.getpid() % 375 * 32, 32768))


def is_free(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def free_ports(count):
    return list(itertools.islice(filter(is_free, PORTS), count))
