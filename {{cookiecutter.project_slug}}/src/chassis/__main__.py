"""`python -m chassis`: the command line of the project that CHASSIS_PROJECT names."""

from .commands.main import main

main()
