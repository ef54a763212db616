"""A load: when requests come, and how long they and their answers are.

Only the standard library is imported here: the scripts beside the package use these modules on hosts that have no more.
"""


class NoLoad(ValueError):
    """What should describe a load does not. The message says what would."""
