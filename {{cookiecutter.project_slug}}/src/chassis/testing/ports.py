"""Ports for servers that tests start."""

import contextlib
import secrets
import socket


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other test gets.

    It is none of those that the system gives to connections and to whoever asks for any port: they
    might have it before the server that it is meant for has started. So might another test, which
    a UDP socket of the same number keeps off; it stays until this process ends.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with (
            contextlib.suppress(OSError),
            socket.socket(type=socket.SOCK_DGRAM) as reserved,
            socket.socket() as probe,
        ):
            reserved.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
            reserved.detach()
            return port
