"""The application: pages, and what they need to run in production."""

__version__ = "0.1.0"
