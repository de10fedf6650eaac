"""Start the program: `python3 deploy/server` in the project; installed it is a file of its own."""

import sys

sys.dont_write_bytecode = True  # root must leave no files in a developer's folder, or in a release

from manage.command_line import main  # noqa: E402 - the line above comes first

main()
