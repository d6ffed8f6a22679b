"""The widget's answers outlive pages and connections: other pages, other tabs, a network that comes and goes."""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.test_widget import (
    HostSite,
    ask,
    bearer,
    begin_long_answer,
    composer,
    kept,
    log,
    messages_of,
    open_widget,
    return_to,
)
from tests.conftest import StartServer
from tests.wire.reader import send

LISTEN = "addEventListener('chatapp:answer', (event) => { window.told = event.detail.text })"


class Cable:
    """A way to a server that can be cut: what goes through it then is lost, and what comes later goes through again."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._target = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection that is open."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def host(site: str) -> Iterator[HostSite]:
    """A site that embeds the widget of the demo server."""
    served = HostSite(site)
    yield served
    served.close()


def wait_for_the_end(page: Page) -> None:
    expect(log(page)).to_have_attribute("aria-busy", "false", timeout=15_000)


def test_an_answer_goes_on_over_pages_of_the_site(page: Page, host: HostSite, site: str) -> None:
    """Another page and a reload in mid-answer lose and double nothing, and the end is told as ever."""
    page.add_init_script(LISTEN)
    open_widget(page, host.page())
    begin_long_answer(page)

    page.goto(host.page())
    expect(page.locator(".answer")).to_contain_text(re.compile(r"\w\s\w"))
    page.reload()
    wait_for_the_end(page)

    question, answer = messages_of(site, kept(page))
    assert page.evaluate("told") == answer["text"]
    assert page.locator(".question").all_inner_texts() == [question["text"]]
    assert page.get_by_role("button", name="Send").is_visible()


def test_an_answer_goes_on_over_a_cut_cable(page: Page, site: str) -> None:
    """A connection that breaks in mid-answer is made again where it was."""
    cable = Cable(site)
    served = HostSite(cable.base_url)
    page.add_init_script(LISTEN)
    begun_at: list[str] = []

    def look_at(request: Request) -> None:
        if "/runs/" in request.url:
            begun_at.append(request.headers.get("last-event-id", ""))

    page.on("request", look_at)
    try:
        open_widget(page, served.page())
        begin_long_answer(page)
        cable.cut()
        expect(page.get_by_text("Reconnecting…")).to_be_visible()
        wait_for_the_end(page)
    finally:
        served.close()
        cable.close()

    assert page.evaluate("told") == messages_of(site, kept(page))[-1]["text"]
    assert [int(position) > 0 for position in begun_at] == [True]
    expect(page.locator(".turn")).to_have_count(1)


def test_a_question_that_does_not_get_through_is_sent_once(page: Page, host: HostSite, site: str) -> None:
    """It waits for the network and is sent at once when that is back, on whatever page of the site."""
    open_widget(page, host.page())
    page.context.set_offline(True)
    composer(page).fill("Are you there?")
    composer(page).press("Enter")
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    page.context.set_offline(False)
    wait_for_the_end(page)

    page.route("**/chat/stream*", lambda route: route.abort())
    composer(page).fill("And now?")
    composer(page).press("Enter")
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    page.unroute("**/chat/stream*")
    return_to(page, host.page())

    asked = [message["text"] for message in messages_of(site, kept(page)) if message["role"] == "user"]
    assert asked == ["Are you there?", "And now?"]
    assert page.locator(".question").all_inner_texts() == asked
    expect(page.locator(".answer .block").last).to_be_visible()


def test_tabs_show_one_conversation(page: Page, host: HostSite, site: str) -> None:
    """A tab follows what another one asks; what it asks itself on old ground stays in its field."""
    open_widget(page, host.page())
    ask(page, "Hello")
    other = page.context.new_page()
    return_to(other, host.page())
    begin_long_answer(page)
    expect(other.locator(".answer").last).to_contain_text(re.compile(r"\w\s\w"))
    other.get_by_role("button", name="Stop the answer").click()
    for tab in (page, other):
        wait_for_the_end(tab)
        expect(tab.locator(".answer .note")).to_have_text("You stopped this answer.")

    mine = kept(page)
    body = {"conversation_id": mine["id"], "parent_id": mine["head"], "message": "Asked by a program"}
    headers = {"Content-Type": "application/json", **bearer(mine)}
    assert send(site, "POST", "/chat/stream", json.dumps(body).encode(), headers).status == 200
    ask(page, "My own words")

    expect(page.locator(".question").last).to_have_text("Asked by a program")
    expect(page.get_by_text("This conversation went on in another tab.").first).to_be_visible()
    expect(composer(page)).to_have_value("My own words")
    page.keyboard.press("Enter")
    for tab in (page, other):
        expect(tab.locator(".question").last).to_have_text("My own words")


def test_an_answer_that_the_server_had_to_leave_can_be_continued(page: Page, start_server: StartServer) -> None:
    """A server that goes down in mid-answer keeps what has arrived, says so, and goes on when it is asked to."""
    server = start_server({"DEMO_PACE_MS": "30", "GRACEFUL_TIMEOUT_S": "1", "WEB_CONCURRENCY": "1"})
    served = HostSite(server.base_url)
    open_widget(page, served.page())
    begin_long_answer(page)
    for worker in server.worker_pids():
        os.kill(worker, signal.SIGTERM)
    wait_for_the_end(page)
    expect(page.locator(".answer .note")).to_contain_text("The server stopped in the middle of this answer.")
    left = messages_of(server.base_url, kept(page))[-1]
    server.wait_until_ready()
    page.get_by_role("button", name="Continue").click()

    expect(page.locator(".question").last).to_have_text("Continue exactly where you stopped.")
    expect(page.locator(".answer").last).to_contain_text(re.compile(r"\w\s\w"))
    assert left["state"] == "interrupted"
    served.close()
    server.stop()
