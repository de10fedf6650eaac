"""The error of a database that is away."""

from ..errors import ExplainedError


class DatabaseUnavailable(ExplainedError):  # noqa: N818 - it says what is the matter
    """The database cannot be reached or written; nothing of the transaction was reported as saved.

    The text is one line without secrets.
    """
