"""Which machines work together, and which of them this one is: from TF_CONFIG, or from flags."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from srcnn.system.errors import InputError
from srcnn.system.own_files import json_object

CHIEFS = "chief", "master"  # jobs of TF_CONFIG that have one task, which leads
IDLE = "ps", "evaluator"  # those for which there is nothing to do


class Cluster(NamedTuple):
    """hosts: 'name:port' of every machine, the chief's first. task: this machine's place among them."""

    hosts: tuple
    task: int


def find_cluster(
    worker_hosts: str | None, job_name: str | None, task_index: int | None, environment: Mapping[str, str]
) -> Cluster | None:
    """The Cluster that flags or TF_CONFIG in the environment name; None for one machine alone.

    worker_hosts: addresses with commas between, of which the first is the chief, as in the TensorFlow 1
    documentation. job_name, task_index: of this machine. Raises InputError.
    """
    by_hand = worker_hosts is not None
    text = environment.get("TF_CONFIG")
    if not by_hand and (job_name is not None or task_index is not None):
        raise InputError("--job_name and --task_index select one of --worker_hosts; add that flag")
    if by_hand and text:
        raise InputError("--worker_hosts cannot be combined with TF_CONFIG in the environment; leave one out")
    if not by_hand and not text:
        return None
    what = "--worker_hosts" if by_hand else "TF_CONFIG"
    hosts, task = _from_flags(worker_hosts, job_name, task_index) if by_hand else _from_tf_config(text)
    for host in hosts:
        name, _, port = host.rpartition(":")
        if not re.fullmatch(r"[^\s/]+", name) or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InputError(f"{what}: {host!r} is not an address with a port, such as 10.0.0.1:2222")
    if len(set(hosts)) < len(hosts):
        raise InputError(f"{what}: an address appears twice; give each machine its own")
    if hosts and not 0 <= task < len(hosts):
        raise InputError(f"{what}: this machine is none of the {len(hosts)} that it lists; correct its index")
    return Cluster(tuple(hosts), task) if len(hosts) > 1 else None


def _from_flags(worker_hosts, job_name, task_index):
    if task_index is None and job_name != "chief":
        raise InputError(
            "--worker_hosts needs --task_index, the number of this machine in the list from 0 on"
        )
    if job_name == "chief" and task_index:
        raise InputError("--job_name chief means --task_index 0, the first of --worker_hosts; leave one out")
    return [host.strip() for host in worker_hosts.split(",")], task_index or 0


def _from_tf_config(text):
    form = '{"cluster": {"chief": ["a:2222"], "worker": ["b:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        value = json_object(text)
        jobs = {
            job: [str(host) for host in hosts] for job, hosts in value.get("cluster", {}).items() if hosts
        }
        task = value.get("task", {})
        job = task.get("type", "")
        index = int(str(task.get("index", 0 if len(jobs.get(job, [])) == 1 else -1)))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"TF_CONFIG: does not have the form {form}") from error
    if others := set(jobs) - {*CHIEFS, *IDLE, "worker"}:
        raise InputError(f"TF_CONFIG: lists {', '.join(sorted(others))}; use only a chief and workers")
    if job in IDLE:
        raise InputError(
            f"TF_CONFIG: this machine is a {job}, which has no work here; run only a chief and workers"
        )
    places = [(name, i) for name in (*CHIEFS, "worker") for i in range(len(jobs.get(name, [])))]
    if sum(name in CHIEFS for name, _ in places) > 1:
        raise InputError("TF_CONFIG: lists more than one chief; list one")
    hosts = [jobs[name][i] for name, i in places]
    return hosts, places.index((job, index)) if (job, index) in places else -1
