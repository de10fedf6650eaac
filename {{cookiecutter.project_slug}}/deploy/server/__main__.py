"""Start the program: `python3 deploy/server` in the project; installed it is a file of its own."""

from manage.command_line import main

main()
