"""Install, update and roll back this app on a server of its own; docs/runbook.md explains.

A release starts beside the one that serves: the colours are blue and green. New visitors go to
it when it has proved that it works; who is there stays on the old one until they leave or the
time is over. Every step can be interrupted: run the same command again. Needs root and nothing
but Python, because it must work when the app does not.

Installed it is one file, which `install` and `uninstall` replace or delete while it runs. So each
module is imported at the start, none later.
"""
