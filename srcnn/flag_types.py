"""The types of the flags' values: each takes the text that was typed and returns the value.

They raise argparse.ArgumentTypeError, with what is wrong, for a text that is none.
"""

import argparse
import re
from fractions import Fraction

from srcnn.settings import CODECS
from srcnn.system import windows

LARGEST = 4096  # number of filters, or size of a kernel


def boolean(text):
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return values[text.lower()]


def at_least(minimum):
    def number(text):
        if not text.lstrip("-").isdecimal() or not minimum <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {minimum}")
        return int(text)

    return number


def quality(text):
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100")
    return int(text)


def factor(text):
    """A whole number, or a Fraction, of at least 1."""
    value = Fraction(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1, such as 3 or 2.5")
    return int(value) if value.denominator == 1 else value


def frame_rate(text):
    """A Fraction: of a whole number, a decimal one or a quotient such as 24000/1001."""
    value = Fraction(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}|/[1-9][0-9]{0,5})?", text) else 0
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a frame rate up to 1000, such as 24, 12.5 or 24000/1001"
        )
    return value


def path(text):
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file or folder")
    return text


def target(text):
    """A path that is written to."""
    if name := windows.no_name(path(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: Windows allows no files named {name!r}; use another")
    return text


def positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-30 < value < 1e30:  # what float32 can tell from 0 and multiply
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, or is too large or small")
    return value


def weight(text):
    return 0.0 if re.fullmatch(r"0+(\.0*)?", text) else positive(text)


def dashed(least, most, what):
    """The type of a flag such as 9-1-5."""

    def numbers(text):
        parts = text.split("-")
        whole = all(p.isascii() and p.isdecimal() and 0 < int(p) <= LARGEST for p in parts)
        if not (whole and least <= len(parts) <= most):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {least} to {most} {what} joined by dashes, of at most {LARGEST}"
            )
        return tuple(map(int, parts))

    return numbers


def kernel_sizes(text):
    sizes = dashed(2, 5, "kernel sizes")(text)
    if not all(size % 2 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} has an even kernel size; use odd ones, such as 9-1-5")
    return sizes


def codec(text):
    """One of CODECS, or an encoder of the hardware, by FFmpeg's name for it."""
    if text not in CODECS and not re.fullmatch(rf"({'|'.join(CODECS)})_[a-z0-9]+", text):
        known = ", ".join(CODECS)
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a codec; use one of {known}, or an encoder of the hardware such as hevc_nvenc"
        )
    return text


def shard(text):
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 0 < int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shard of the form 3/16, from 1/16 to 16/16")
    return int(number), int(count)
