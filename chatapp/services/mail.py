"""Mail: short plain texts to one person, sent in the background."""

import logging
import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from chatapp.services.background import Background

log = logging.getLogger(__name__)

# For each step of the conversation with the mail server, and for all of it.
STEP_LIMIT_S = 10.0
WHOLE_LIMIT_S = 60.0
RETRY_PAUSE_S = 5.0
PORTS = {"smtp": 25, "smtps": 465}


class Mail:
    """`url` is `smtp://user:password@host:port` or `smtps://…`, empty for no mail; `sender` an address.

    `site_host` is the name by which the server introduces itself.
    """

    def __init__(
        self,
        background: Background,
        *,
        url: str,
        sender: str,
        sender_name: str,
        site_host: str,
        retry_pause_s: float = RETRY_PAUSE_S,
    ) -> None:
        self._background = background
        self._url = urlsplit(url)
        self._sender = sender
        self._sender_name = sender_name
        self._site_host = site_host
        self._retry_pause_s = retry_pause_s

    @property
    def is_on(self) -> bool:
        """Whether there is a mail server to give mails to."""
        return bool(self._url.hostname)

    def send(self, to: str, subject: str, text: str) -> None:
        """Send soon, and once more if that fails for a reason that may pass; the log says when it failed for good.

        Without a mail server nothing is sent.
        Raises: `ValueError` for an address or a subject that would add a header.
        """
        message = self._message(to, subject, text)
        if self.is_on:
            self._background.run("mail", lambda: self._deliver(message))

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        # The library refuses ends of lines in all of these.
        message["From"] = Address(display_name=self._sender_name, addr_spec=self._sender)
        message["To"] = Address(addr_spec=to)
        message["Subject"] = subject
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = make_msgid(domain=self._site_host)
        # RFC 3834: nobody's holiday notice answers this.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    def _deliver(self, message: EmailMessage) -> None:
        try:
            self._hand_over(message)
        except (OSError, ValueError) as error:
            if _is_final(error):
                _log_failure(error)
                return
            time.sleep(self._retry_pause_s)
            try:
                self._hand_over(message)
            except (OSError, ValueError) as second:
                _log_failure(second)
                return
        log.info("mail.sent")

    def _hand_over(self, message: EmailMessage) -> None:
        host, port = self._url.hostname or "", self._url.port or PORTS[self._url.scheme]
        user, password = unquote(self._url.username or ""), unquote(self._url.password or "")
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            client: smtplib.SMTP = _TLSClient(host, port, self._site_host, timeout=STEP_LIMIT_S, context=context)
        else:
            client = _Client(host, port, self._site_host, timeout=STEP_LIMIT_S)
        try:
            client.ehlo()
            if self._url.scheme == "smtp":
                _start_tls(client, context, is_local=_is_loopback(host), is_needed=bool(user))
            if user:
                client.login(user, password)
            client.send_message(message)
            # It is sent, whatever comes of the goodbye.
            with suppress(OSError):
                client.quit()
        finally:
            client.close()


class _Limited:
    """Ends a conversation that takes too long as a whole, whatever its steps take."""

    sock: socket.socket | None
    _limit: threading.Timer | None = None

    def connect(self, *args: Any, **options: Any) -> Any:
        self._limit = threading.Timer(WHOLE_LIMIT_S, self._cut)
        self._limit.daemon = True
        self._limit.start()
        try:
            return super().connect(*args, **options)  # type: ignore[misc]  # of the client beside it
        except OSError:
            self._limit.cancel()
            raise

    def close(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
        super().close()  # type: ignore[misc]

    def _cut(self) -> None:
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)


class _Client(_Limited, smtplib.SMTP):
    pass


class _TLSClient(_Limited, smtplib.SMTP_SSL):
    pass


def _start_tls(client: smtplib.SMTP, context: ssl.SSLContext, *, is_local: bool, is_needed: bool) -> None:
    if client.has_extn("starttls"):
        if is_local:
            # A mail server of this machine has a certificate for no name at all, and nobody is in between.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        client.starttls(context=context)
    elif is_needed and not is_local:
        # Whoever is in between could have taken the offer away to read the password.
        raise smtplib.SMTPNotSupportedError("The server offers no TLS.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_final(error: Exception) -> bool:
    """Say whether the server would say the same again."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, ssl.SSLCertVerificationError | smtplib.SMTPNotSupportedError | ValueError)


def _log_failure(error: Exception) -> None:
    """Say what failed without the error's own words, in which addresses stand."""
    log.error("mail.failed", extra={"reason": type(error).__name__, "code": getattr(error, "smtp_code", None)})
