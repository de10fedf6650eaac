"""`python -m chassis`: the command line of the project that CHASSIS_PROJECT names."""

from .project import current

current().main()
