"""The errors that explain themselves."""


class ExplainedError(Exception):
    """What went wrong, in words for who uses or operates the app; a traceback would add nothing.

    The command line prints the text and ends with exit code 1. `remedy` is a command or a sentence
    that helps, where the text does not end with one.
    """

    remedy = ""
