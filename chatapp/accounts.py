"""The wiring of everything around accounts."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from chatapp.config import Config
from chatapp.core.ports import IdentityProvider, ModelServers, ModelSource
from chatapp.services.accounts.access_tokens import AccessTokens
from chatapp.services.accounts.administration import Administration
from chatapp.services.accounts.audit_log import AuditLog
from chatapp.services.accounts.deleting import Deleting
from chatapp.services.accounts.downloading import Downloading
from chatapp.services.accounts.groups import Groups
from chatapp.services.accounts.identities import Identities, host_of
from chatapp.services.accounts.invitations import Invitations
from chatapp.services.accounts.passkeys import Passkeys
from chatapp.services.accounts.personal_tokens import PersonalTokens
from chatapp.services.accounts.profiles import Profiles
from chatapp.services.accounts.program_tokens import ProgramTokens
from chatapp.services.accounts.recovery import Recovery
from chatapp.services.accounts.refresh_tokens import RefreshTokens
from chatapp.services.accounts.registering import Registering
from chatapp.services.accounts.second_factor import SecondFactor
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.background import Background
from chatapp.services.encryption import Cipher
from chatapp.services.mail import Mail
from chatapp.services.provider_keys import OwnBaseURLs, ProviderKeys
from chatapp.signing import derived_key
from chatapp.store.db import Database
from chatapp.web.context import Accounts


def wire_accounts(
    config: Config,
    database: Database,
    *,
    master_key: bytes,
    cipher: Cipher,
    stop_runs: Callable[[UUID], None],
    configured_url: str,
    configured: ModelSource,
    own_servers: ModelServers,
) -> Accounts:
    """Return the use cases around accounts; `stop_runs` ends the answers in the making of a conversation.

    `configured` is the provider at `configured_url`, `own_servers` are those that people name.
    """
    background = Background()
    mail = Mail(
        background,
        url=config.smtp_url,
        sender=config.mail_from or config.contact_email,
        sender_name=config.site_name,
        site_host=urlsplit(config.base_url).hostname or "localhost",
    )
    sessions, throttle, invitations = Sessions(database), Throttle(database), Invitations(database)
    signing_in = SigningIn(database, sessions, throttle, needs_confirmation=bool(config.smtp_url))
    second_factor = SecondFactor(database, cipher, throttle, signing_in, site_name=config.site_name)
    recovery = Recovery(
        database, sessions, throttle, mail, background, base_url=config.base_url, site_name=config.site_name
    )
    profiles = Profiles(database, sessions, signing_in, recovery, site_name=config.site_name)
    registering = Registering(
        database,
        throttle,
        invitations,
        recovery,
        access=config.access,
        site_name=config.site_name,
        sends_mail=bool(config.smtp_url),
    )
    return Accounts(
        administration=Administration(database, sessions),
        audit_log=AuditLog(database),
        deleting=Deleting(database, sessions, stop_runs),
        downloading=Downloading(database, profiles),
        groups=Groups(database),
        identities=Identities(
            database,
            _identity_provider(config),
            signing_in,
            registering,
            recovery,
            throttle=throttle,
            sends_mail=bool(config.smtp_url),
        ),
        invitations=invitations,
        passkeys=Passkeys(database, throttle, sessions, signing_in),
        personal_tokens=PersonalTokens(database),
        profiles=profiles,
        program_tokens=ProgramTokens(
            database,
            signing_in=signing_in,
            second_factor=second_factor,
            sessions=sessions,
            access_tokens=AccessTokens(
                derived_key(master_key, "access tokens"), issuer=config.base_url or config.site_name
            ),
            refresh_tokens=RefreshTokens(derived_key(master_key, "refresh tokens")),
        ),
        provider_keys=ProviderKeys(
            database,
            cipher,
            throttle,
            configured_url=configured_url,
            configured=configured,
            own_servers=own_servers,
            allowed=cast("OwnBaseURLs", config.own_base_urls),
        ),
        recovery=recovery,
        registering=registering,
        second_factor=second_factor,
        sessions=sessions,
        signing_in=signing_in,
        throttle=throttle,
    )


def _identity_provider(config: Config) -> IdentityProvider | None:
    """Return the provider that people may sign in with, if one is configured."""
    if not config.oidc_issuer:
        return None
    # Its libraries are dear to import, and few sites need them.
    from chatapp.providers.openid import OpenIDProvider  # noqa: PLC0415

    return OpenIDProvider(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        name=config.oidc_name or host_of(config.oidc_issuer),
        redirect_uri=f"{config.base_url}/auth/oidc/callback",
    )
