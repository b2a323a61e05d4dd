"""Peers in processes of their own: some crash where they are imported beside TensorFlow."""

import json
import subprocess
import sys
from contextlib import suppress


class Peer:
    """A script that ends in `serve`, as an object whose methods take and return what JSON has.

    Raises RuntimeError where the script ends before it has answered; its stderr says why.
    """

    def __init__(self, *command, **settings):
        """command: of the script, with its arguments. settings: more of the process."""
        self.script = command[command[0] == "-m"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, *map(str, command)], **pipes, **settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def call(self, method, *arguments):
        with suppress(BrokenPipeError):
            print(json.dumps([method, *arguments]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.script} ended with status {self.process.wait()}")
        return json.loads(answer)


def serve(peer):
    """Answers the lines of a Peer until there are no more."""
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(peer, method)(*arguments)), flush=True)
