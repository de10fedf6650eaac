"""The `drain` command, against the real server and against ones that misbehave."""

from pathlib import Path

import httpx
import pytest
from chassis.commands.drain import DrainError, switch
from chassis.server.running import find_server
from chassis.settings import Settings
from chassis.testing.ports import free_port
from chassis.testing.servers import running_server

from .conftest import stand_in


def test_the_server_drains_and_comes_back(tmp_path: Path) -> None:
    with running_server(tmp_path, {}) as server:
        port = httpx.URL(server.url).port
        assert port is not None
        settings = Settings(app_port=port)
        text = switch(settings, on=True, timeout=10)
        assert text.startswith(f"process {server.process.pid}: ")
        assert "open sessions: 0" in text
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        switch(settings, on=False, timeout=10)
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_no_server_is_found() -> None:
    port = free_port()
    with pytest.raises(DrainError, match=f"no server of this project listens on port {port}"):
        switch(Settings(app_port=port), on=True, timeout=1)


def test_the_right_server_is_found(tmp_path: Path) -> None:
    with stand_in(tmp_path) as (pid, port), stand_in(tmp_path) as (other_pid, other_port):
        found = [find_server(port), find_server(other_port)]
        assert [process.pid for process in found if process] == [pid, other_pid]


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"status": "ok"}'])
def test_a_starting_server_gets_no_signal(tmp_path: Path, answer: str) -> None:
    with (
        stand_in(tmp_path, answer=answer) as (pid, port),
        pytest.raises(DrainError, match=f"process {pid} does not answer on /readyz yet"),
    ):
        switch(Settings(app_port=port), on=True, timeout=1)


def test_a_server_that_does_not_confirm(tmp_path: Path) -> None:
    with (
        stand_in(tmp_path, obeys=False) as (pid, port),
        pytest.raises(DrainError, match=f"process {pid} did not confirm within 0.3 s"),
    ):
        switch(Settings(app_port=port), on=True, timeout=0.3)
