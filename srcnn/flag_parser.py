"""A parser of flags that know which jobs they are for."""

import argparse
import difflib
import os
import sys
from typing import NamedTuple

from srcnn.system.errors import one_line


class For(NamedTuple):
    """jobs: that a flag is for. refusal: what the flag is told of another."""

    jobs: tuple
    refusal: str = "is not for this job; leave it out"


JOBS = "train", "test", "input", "export", "download"
ANY = For(JOBS)
OTHERS = {  # what is said of a second job beside the first
    "train": "training; {training}",
    "test": "a test; leave one out",
    "input": "--input; leave one out",
    "export": "--export; leave one out",
    "download": "--download; leave one out",
}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr, without argparse's usage; the nearest flag beside one that is not known."""
        first, _, unknown = message.partition("unrecognized arguments: ")
        if unknown and not first:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            near = difflib.get_close_matches(unknown.split()[0].partition("=")[0], known, 1)
            message = f"{unknown}: no such flag; " + (f"did you mean {near[0]}?" if near else "see --help")
        self.exit(2, f"{self.prog}: error: {one_line(message)}\n")


class Flags:
    """A parser whose flags know the jobs that they are for.

    defaults, jobs: of each flag by name; the parser itself knows no defaults, so what was given can be told.
    """

    def __init__(self, parser):
        self.parser = self.group = parser
        self.defaults, self.jobs, self.those = {}, {}, ANY

    def of(self, title, jobs):
        """The flags that follow are of a group of this title, and for these jobs unless they name others."""
        self.group, self.those = self.parser.add_argument_group(title), jobs

    def add(self, name, type_, default, text, shown=None, jobs=None, **options):
        """A flag with a value. shown: what help tells of its default, if that is not the value itself."""
        text = f"{text} [{default if shown is None else shown}]"
        self._add(name, default, jobs, type=type_, help=text, **options)

    def switch(self, name, text, jobs=None):
        """A flag without a value."""
        self._add(name, False, jobs, action="store_true", help=text)

    def _add(self, name, default, jobs, **options):
        self.group.add_argument(f"--{name}", default=argparse.SUPPRESS, **options)
        self.defaults[name], self.jobs[name] = default, jobs or self.those

    def parse(self, arguments=None):
        """The values of all flags. Ends the program where one is given that is not for the job asked for."""
        if arguments is None and not sys.argv[1:] and "TF_CONFIG" not in os.environ:
            self.parser.print_help()  # what there is to choose from; nothing is trained
            self.parser.exit()
        words = [*(sys.argv[1:] if arguments is None else arguments)]
        end = words.index("--") if "--" in words else len(words)  # after which all are files
        if dashes := [word for word in words[:end] if word.startswith("--") and word.endswith("=--")]:
            self.parser.error(f"{dashes[0]}: has no value")  # argparse would take it for an empty list
        given = vars(self.parser.parse_intermixed_args(words[:end]))
        if files := [*given.pop("files"), *words[end + 1 :]]:
            given["input"] = [*files, *given.get("input", [])]
        if "" in given.get("input", []):
            self.parser.error("a FILE is empty; name a file or folder")
        flags = argparse.Namespace(**self.defaults | given)
        flags.job = job_of(flags)
        for name in sorted(given, key=JOBS.__contains__, reverse=True):  # first what asks for another job
            if flags.job not in self.jobs[name].jobs:
                shown = "a FILE" if name == "input" and files else f"--{name}"
                how = "add --is_train False" if flags.is_train is None else "leave out --is_train True"
                other = OTHERS[flags.job].format(training=how)
                self.parser.error(f"{shown} {self.jobs[name].refusal.format(job=other)}")
        return flags


def job_of(flags):
    """The job that flags ask for, one of JOBS."""
    if flags.download:
        return "download"
    job = next((job for job in ("export", "input") if getattr(flags, job) is not None), "test")
    tests = flags.gather or flags.metrics or (flags.test_dir and not flags.train_dir)
    is_train = job == "test" and not tests if flags.is_train is None else flags.is_train
    return "train" if is_train else job
