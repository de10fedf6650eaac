"""What a guest may cost: nothing but a form, and less than a household from an address."""

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import pytest
from chassis.commands.loadtest import Tab
from chassis.settings import Settings
from chassis.testing.sites import PASSWORD, Site, start_site, with_database
from chassis.testing.visitor import Visitor
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .conftest import metric


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return an application with the limits that it has by default."""
    fields = Settings.model_fields
    names = [name for name in fields if name.startswith("rate_limit_")]
    defaults = {name.upper(): str(fields[name].default) for name in names}
    yield from start_site("sqlite", tmp_path_factory.mktemp("office"), variables=defaults)


@pytest.fixture
def office(shared_office: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    return with_database(shared_office, monkeypatch)


async def close_code(tab: Tab) -> int | None:
    """Return the code with which the server has closed a tab."""
    async with asyncio.timeout(20):
        await tab.socket.wait_closed()
    return tab.socket.close_code


async def read(tab: Tab) -> None:
    """Read what comes until the server closes a tab."""
    with contextlib.suppress(ConnectionClosed):
        async for _data in tab.socket:
            pass


def file_names(count: int) -> BackMsg:
    """Return a message that asks where files may be uploaded to."""
    message = BackMsg()
    message.file_urls_request.file_names.extend([""] * count)
    return message


def test_a_guest_gets_no_place_for_a_file(small: Site) -> None:
    guest = small.guest()

    async def visit() -> None:
        async with guest.tab() as page:
            await page.open()
            path = f"/_stcore/upload_file/{page.tab.session_id}/1"
            answer = await asyncio.to_thread(guest.upload, path, bytes(1000))
            assert answer.status_code == httpx.codes.FORBIDDEN
            await page.tab.send(file_names(1))
            assert await close_code(page.tab) == 1008

    refused = metric(small.server, "app_rate_limited_total", scope="message")
    asyncio.run(visit())
    assert metric(small.server, "app_rate_limited_total", scope="message") == refused + 1
    assert '"message_type": "file_urls_request"' in small.server.log()


def test_a_message_that_streamlit_adds_later_ends_the_tab(small: Site) -> None:
    visitors = small.guest(), small.signed_in(small.add("inventor"))

    async def send(visitor: Visitor) -> int | None:
        async with visitor.tab() as page:
            await page.open()
            await page.tab.socket.send(bytes.fromhex("fa3e03616263"))  # its field 1007
            return await close_code(page.tab)

    for visitor in visitors:
        assert asyncio.run(send(visitor)) == 1008


def test_a_large_message_of_a_guest_is_not_read(small: Site) -> None:
    guest = small.guest()

    async def visit() -> int | None:
        async with guest.tab() as page:
            await page.open()
            # Only its beginning: the server answers without waiting for the rest.
            header = b"\x82\xff" + (9_000_000).to_bytes(8, "big") + bytes(4)
            page.tab.socket.transport.write(header + bytes(1000))
            return await close_code(page.tab)

    assert asyncio.run(visit()) == 1009


def test_who_spends_more_than_a_budget_waits_and_the_last_ones_leave(office: Site) -> None:
    """Many tabs of one network send as fast as they can; another network does not notice."""

    async def flood(visitor: Visitor) -> int | None:
        async with visitor.tab() as page:
            message = BackMsg()
            message.rerun_script.query_string = "x" * 60_000
            reading = asyncio.create_task(read(page.tab))  # who does not read hears of no end
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await page.tab.send(message)
            await reading
            return page.tab.socket.close_code

    async def connect(visitor: Visitor) -> int:
        try:
            async with visitor.tab():
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    async def attack() -> None:
        visitors = [office.guest(f"2001:db8:0:66::{number}") for number in range(30)]
        tasks = [asyncio.create_task(flood(visitor)) for visitor in visitors]
        async with asyncio.timeout(60):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result() for task in tasks if task.done()} == {1013}
            assert await connect(office.guest("2001:db8:0:66::99")) == 429
            assert await connect(office.guest("2001:db8:0:67::99")) == 101
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    asyncio.run(attack())
    assert metric(office.server, "app_rate_limited_total", scope="budget") > 0


def test_an_office_behind_one_address_comes_in(office: Site) -> None:
    names = [f"office-{number}" for number in range(30)]
    for name in names:
        office.add(name)
    people = [Visitor(office.server, "203.0.113.200") for _name in names]

    async def sign_in(person: Visitor, name: str) -> None:
        # What a page asks for beside its script and the files of Streamlit.
        for path in ("/", *["/_stcore/host-config"] * 12):
            assert (await asyncio.to_thread(person.get, path)).status_code == 200
        await person.sign_in(name, PASSWORD)
        assert await person.is_signed_in()

    async def come_in() -> None:
        await asyncio.gather(*map(sign_in, people, names))

    async def come_back() -> None:
        # As after a restart: all tabs have lost their connection, three times within a minute.
        for _time in range(3):
            assert all(await asyncio.gather(*(person.is_signed_in() for person in people)))

    asyncio.run(come_in())
    asyncio.run(come_back())
