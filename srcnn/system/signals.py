"""What to do when told to stop: Ctrl-C, SIGTERM, SIGHUP of a closed terminal, Windows' Ctrl-Break."""

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import NoReturn

NAMES = "SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"  # no system has all of them
ENDING = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


at_once = False  # whether the process ends without Python's teardown; set by what does not outlast that


def ignore(number, frame):
    """Instead of SIG_IGN: Python complains of a signal that came just before that was set."""


def end(status) -> NoReturn:
    """Ends the process. All files are closed by then, and output goes line by line."""
    for number in ENDING:  # an exception in Python's teardown would be a traceback
        signal.signal(number, ignore)
    if at_once or (isinstance(status, int) and status > 128):  # libraries may be in the middle of something
        os._exit(status)
    sys.exit(status)


def end_if_lost(unraisable):
    """As sys.unraisablehook: the exception of a signal may come where Python drops exceptions."""
    if isinstance(unraisable.exc_value, SystemExit):
        code = unraisable.exc_value.code
        os._exit(code if isinstance(code, int) else 1)
    sys.__unraisablehook__(unraisable)


class Stop:
    """number: of the signal that came, 0 before."""

    number = 0


def leave_at_once(number, frame):
    """Ends the program while it is being loaded: an exception may be lost in libraries that load theirs."""
    os._exit(128 + number)


def leave(number, frame):
    """Ends the program, cleaning up on the way, which further signals do not disturb."""
    for other in ENDING:
        signal.signal(other, ignore)
    sys.exit(128 + number)


def clean_up():
    """From here on there is something to clean up."""
    for number in ENDING:
        if signal.getsignal(number) is leave_at_once:
            signal.signal(number, leave)


def on_signals(handler):
    """Sets the handler of the signals that end and are not ignored (nohup); returns those before."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, old in before.items():
        if old is not signal.SIG_IGN:
            signal.signal(number, handler)
    return before


@contextmanager
def stopping():
    """While the block runs, a signal only sets the number of a Stop, so that the work can end well.

    Outside the main thread, to which alone signals come, nothing sets it.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number, frame):
        stop.number = number

    before = on_signals(note)
    try:
        yield stop
    finally:
        for number, handler in before.items():  # once told to stop, the program is not told again
            signal.signal(number, ignore if stop.number and handler is leave else handler)


@contextmanager
def ending_later():
    """Puts off what a signal does until the block, which is short, is done."""
    before = {number: signal.getsignal(number) for number in ENDING}
    with stopping() as stop:
        yield
    handler = before.get(stop.number)
    if callable(handler):
        handler(stop.number, None)
