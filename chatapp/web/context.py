"""What every route reaches: the services and the settings the application was made with."""

import msgspec
from flask import current_app

from chatapp.config import Config
from chatapp.services.accounts.administration import Administration
from chatapp.services.accounts.audit_log import AuditLog
from chatapp.services.accounts.deleting import Deleting
from chatapp.services.accounts.downloading import Downloading
from chatapp.services.accounts.groups import Groups
from chatapp.services.accounts.identities import Identities
from chatapp.services.accounts.invitations import Invitations
from chatapp.services.accounts.passkeys import Passkeys
from chatapp.services.accounts.personal_tokens import PersonalTokens
from chatapp.services.accounts.profiles import Profiles
from chatapp.services.accounts.program_tokens import ProgramTokens
from chatapp.services.accounts.recovery import Recovery
from chatapp.services.accounts.registering import Registering
from chatapp.services.accounts.second_factor import SecondFactor
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.accounts.signing_in import SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.answering import Answering
from chatapp.services.conversations import Conversations
from chatapp.services.memory import Memory
from chatapp.services.model_directory import ModelDirectory
from chatapp.services.provider_keys import ProviderKeys
from chatapp.services.revoking import Revocations
from chatapp.services.runs import Runs
from chatapp.services.threads import Threads


class Accounts(msgspec.Struct, frozen=True):
    """The use cases around accounts."""

    administration: Administration
    audit_log: AuditLog
    deleting: Deleting
    downloading: Downloading
    groups: Groups
    identities: Identities
    invitations: Invitations
    passkeys: Passkeys
    personal_tokens: PersonalTokens
    profiles: Profiles
    program_tokens: ProgramTokens
    provider_keys: ProviderKeys
    recovery: Recovery
    registering: Registering
    second_factor: SecondFactor
    sessions: Sessions
    signing_in: SigningIn
    throttle: Throttle


class Services(msgspec.Struct, frozen=True):
    """The use cases of this application."""

    accounts: Accounts
    answering: Answering
    conversations: Conversations
    directory: ModelDirectory
    memory: Memory
    revocations: Revocations
    runs: Runs
    threads: Threads


def services() -> Services:
    found: Services = current_app.extensions["services"]
    return found


def config() -> Config:
    found: Config = current_app.extensions["config"]
    return found
