"""The tests of the chassis: they run on a scratch project, and are the same in every project."""
