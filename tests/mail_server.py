"""A real mail server on loopback that keeps what it gets."""

import gc
import queue
import ssl
import warnings
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PATIENCE_S = 20


class MailServer:
    """Takes mails on `port`; `close()` it when done.

    `refusals` are answers to the next mails instead of taking them. With `login` only who shows it may send.
    """

    def __init__(
        self,
        *,
        start_tls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.refusals: list[str] = []
        # How each mail came: whether encrypted, and whether somebody had signed in.
        self.ways: list[tuple[bool, bool]] = []
        self._mails: queue.Queue[EmailMessage] = queue.Queue()
        self._login = login
        self._controller = _Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ssl_context=tls,
            tls_context=start_tls,
            authenticator=self._authenticate,
            auth_required=login is not None,
            auth_require_tls=start_tls is not None,
        )
        self._controller.start()
        self.port = self._controller.port

    def next_mail(self) -> EmailMessage:
        """Return the next mail once it is there."""
        return self._mails.get(timeout=PATIENCE_S)

    @property
    def is_empty(self) -> bool:
        return self._mails.empty()

    def close(self) -> None:
        self._controller.stop()
        if self._controller.ssl_context:
            with warnings.catch_warnings():
                # asyncio leaves connections open whose handshake failed.
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.ways.append((session.ssl is not None, bool(session.authenticated)))
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        mail = BytesParser(EmailMessage, policy=POLICY).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [mail["To"].addresses[0].addr_spec]
        self._mails.put(mail)
        return "250 OK"

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self._login)


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # Asked for any free port, it has one only now.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
