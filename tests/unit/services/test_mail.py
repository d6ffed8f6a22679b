"""Mails, given to a real mail server in every way that one may want it."""

import logging
import queue
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler
from pathlib import Path

import pytest

from chatapp.services.background import Background
from chatapp.services.mail import Mail
from tests.live_server import free_port
from tests.mail_server import PATIENCE_S, MailServer
from tests.wire.certificate import self_signed_context

StartMailServer = Callable[..., MailServer]
Lines = queue.SimpleQueue[logging.LogRecord]


@pytest.fixture
def start() -> Iterator[StartMailServer]:
    running: list[MailServer] = []

    def start(**settings: object) -> MailServer:
        running.append(MailServer(**settings))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """What the log says, as it comes."""
    found: Lines = queue.SimpleQueue()
    log, handler = logging.getLogger("chatapp.services.mail"), QueueHandler(found)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.setLevel(logging.NOTSET)
    log.removeHandler(handler)


def mail_by(url: str) -> Mail:
    return Mail(
        Background(), url=url, sender="chat@example.com", sender_name="Café", site_host="example.com", retry_pause_s=0
    )


def end_of(lines: Lines) -> str:
    """Return how the next mail ended: that it was sent, or why not."""
    line = vars(lines.get(timeout=PATIENCE_S))
    assert "ada" not in str(line)
    return line["reason"] if line["msg"] == "mail.failed" else line["msg"]


def test_a_mail_arrives_as_it_was_written(start: StartMailServer, lines: Lines) -> None:
    server = start()
    mail_by(f"smtp://127.0.0.1:{server.port}").send("ada@example.com", "Grüße", "Ein Wort.\nNoch eins: ✓\n")
    found = server.next_mail()

    assert end_of(lines) == "mail.sent"
    assert (found["From"], found["To"], found["Subject"]) == ("Café <chat@example.com>", "ada@example.com", "Grüße")
    assert found.get_content() == "Ein Wort.\r\nNoch eins: ✓\r\n"
    assert found["Message-ID"].endswith("@example.com>") and found["Date"]


@pytest.mark.parametrize("broken", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "a\nb"])
def test_no_address_or_subject_becomes_a_header(broken: str) -> None:
    mail = mail_by("smtp://127.0.0.1:9")

    with pytest.raises(ValueError):  # noqa: PT011  # the library's own
        mail.send(broken, "Hello", "…")
    with pytest.raises(ValueError, match="linefeed"):
        mail.send("a@example.com", "Hello\r\nBcc: b@example.com", "…")


def test_a_password_travels_encrypted_where_that_is_offered(
    start: StartMailServer, tmp_path: Path, lines: Lines
) -> None:
    server = start(start_tls=self_signed_context(tmp_path), login=("ada", "p:ss/word"))
    mail_by(f"smtp://ada:p%3Ass%2Fword@127.0.0.1:{server.port}").send("ada@example.com", "Hello", "…")

    assert end_of(lines) == "mail.sent"
    assert server.next_mail()["Subject"] == "Hello"
    assert server.ways == [(True, True)]


def test_a_server_is_believed_by_its_certificate_only(
    start: StartMailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    server = start(tls=self_signed_context(tmp_path))
    mail = mail_by(f"smtps://127.0.0.1:{server.port}")
    mail.send("ada@example.com", "Unseen", "…")
    assert end_of(lines) == "SSLCertVerificationError"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    mail.send("ada@example.com", "Seen", "…")

    assert end_of(lines) == "mail.sent"
    assert server.next_mail()["Subject"] == "Seen"


def test_what_may_pass_is_tried_once_more(start: StartMailServer, lines: Lines) -> None:
    """And what will not is not; the log names neither the address nor what the server said of it."""
    server = start()
    mail = mail_by(f"smtp://127.0.0.1:{server.port}")
    ends = []
    for refusals in (["451 busy"], ["554 no ada@example.com here"], ["451 busy", "451 busy"]):
        server.refusals[:] = refusals
        mail.send("ada@example.com", "Hello", "…")
        ends.append(end_of(lines))
    mail_by(f"smtp://127.0.0.1:{free_port()}").send("ada@example.com", "Hello", "…")
    ends.append(end_of(lines))

    assert ends == ["mail.sent", "SMTPDataError", "SMTPDataError", "ConnectionRefusedError"]
    assert len(server.ways) == 5
    assert server.next_mail()["Subject"] == "Hello"
    assert server.is_empty
