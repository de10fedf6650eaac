"""A project of two pages and one table, as small as one can be that uses everything."""

__version__ = "1.2.3"
