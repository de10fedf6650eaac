"""The template that the project was made from: what was edited in the chassis, and updates.

Its programs run in an environment that may hold no library of the project, so they import only
Python's own modules, and this package.
"""
