"""The tool: its pages and what they call. The machinery under it is the package `chassis`."""

__version__ = "0.1.0"
