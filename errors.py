"""Errors that say what to do."""


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what to do."""


def first_line(error):
    return str(error).strip().partition("\n")[0]
