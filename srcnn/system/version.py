"""The version of the program, which its checkpoints and its machines name."""

PROGRAM = "2.0"  # the version that made a checkpoint, which says so
