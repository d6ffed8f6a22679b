"""A small server that gives a person, a company or a school its own AI chat."""

from functools import partial
from urllib.parse import urlsplit

from flask import Blueprint, Flask
from flask_compress import Compress
from flask_cors import CORS

from chatapp.accounts import wire_accounts
from chatapp.cli import init_commands
from chatapp.config import ROOT, Config, ConfigError
from chatapp.core.ports import ModelSource, Provider
from chatapp.key_ring import key_ring, reread
from chatapp.logs import init_logging
from chatapp.providers.catalog import load_catalog
from chatapp.providers.demo import DemoProvider, load_sections
from chatapp.providers.local_servers import LOCAL_SERVERS
from chatapp.providers.openai_compatible import OPENAI_BASE_URL, OpenAICompatible
from chatapp.providers.own_servers import OwnServers
from chatapp.providers.public_addresses import CheckedAddresses
from chatapp.providers.tokens import RANK_FILES, TiktokenCounter
from chatapp.providers.transport import GeventTransport
from chatapp.runtime import clean_up_hourly, keep_models_fresh
from chatapp.services.answering import Answering
from chatapp.services.context import ContextBuilder
from chatapp.services.conversations import Conversations
from chatapp.services.encryption import Cipher
from chatapp.services.guarding import Limits
from chatapp.services.memory import Memory
from chatapp.services.model_directory import DEMO, OPENAI, ModelDirectory
from chatapp.services.revoking import Revocations
from chatapp.services.runs import Runs
from chatapp.services.threads import Threads
from chatapp.signing import derived_key, signing_key
from chatapp.store import schema
from chatapp.store.db import Database
from chatapp.web import (
    access,
    account,
    account_pages,
    admin_audit,
    admin_groups,
    admin_invitations,
    admin_users,
    assets,
    auth,
    chat,
    docs,
    guards,
    guests,
    info,
    oidc,
    pages,
    passkeys,
    personal_tokens,
    principals,
    program_tokens,
    provider_keys,
    recovery,
    request_log,
    second_factor,
    well_known,
)
from chatapp.web import conversations as conversations_web
from chatapp.web import memory as memory_web
from chatapp.web import runs as runs_web
from chatapp.web.context import Services
from chatapp.web.cross_origin import cors_options
from chatapp.web.errors import init_errors

# Routes that pages of other sites cannot reach: what concerns an account stays on this site.
PRIVATE = (
    auth,
    account,
    account_pages,
    second_factor,
    passkeys,
    personal_tokens,
    program_tokens,
    provider_keys,
    recovery,
    oidc,
    admin_users,
    admin_groups,
    admin_invitations,
    admin_audit,
)


def create_app(config: Config | None = None) -> Flask:
    """Return the application, wired but idle: the database is there, nothing is sent anywhere and no greenlet runs.

    `app.extensions["start_background"]()` begins, once per worker process, what runs beside the requests, and
    `app.extensions["drain"](patience_s)` ends the answers that are kept, `["interrupt"]()` all others.
    Raises: `CatalogError` for a `MODELS_FILE` that cannot be used, `ConfigError` for settings that contradict each
    other, `SchemaError` for a database and `SecretError` for a key that cannot be used.
    """
    config = config or Config()
    config.check()
    app = Flask(__name__, template_folder=ROOT / "templates", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=config.max_body_bytes, MAX_FORM_MEMORY_SIZE=config.max_body_bytes)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
    app.extensions["config"] = config
    _wire_services(app, config)
    _wire_web(app, config)
    init_commands(app)
    return app


def _wire_services(app: Flask, config: Config) -> None:
    counter = TiktokenCounter()
    for encoding in RANK_FILES:
        counter.load(encoding)
    catalog = load_catalog(config.models_file)
    directory = ModelDirectory(
        catalog.models,
        catalog_default=catalog.default,
        chosen_default=config.default_model,
        is_configured=bool(config.openai_api_key or config.openai_base_url),
        is_openai_itself=config.openai_base_url in ("", OPENAI_BASE_URL),
    )
    chosen = catalog.models.get(config.default_model)
    if chosen is not None and chosen.provider == OPENAI and not (config.openai_api_key or config.openai_base_url):
        raise ConfigError(f"DEFAULT_MODEL is {chosen.id}, which needs OPENAI_API_KEY.")
    remote = _openai_compatible(config, config.openai_base_url)
    local = _local_servers(config)
    providers: dict[str, Provider] = {
        DEMO: DemoProvider(load_sections(ROOT), count=counter.count, pace_s=config.demo_pace_ms / 1000),
        OPENAI: remote,
        **local,
    }
    limits = Limits(
        first_token_timeout_s=config.first_token_timeout_s,
        stall_timeout_s=config.stall_timeout_s,
        answer_timeout_s=config.answer_timeout_s,
        max_answer_chars=config.max_answer_chars,
    )
    own_servers = _own_servers(config)
    answering = Answering(
        directory=directory, providers=providers, counter=counter, limits=limits, own_servers=own_servers
    )
    database = Database(config.database)
    schema.prepare(database)
    memory = Memory(database, lambda text: answering.count(text, directory.resolve(None).model))
    revocations = Revocations(database)
    context = ContextBuilder(database, answering)
    runs = Runs(database, answering, context, memory, revocations, lease_s=config.run_lease_s)
    master_key = signing_key(config.secret_key, config.data_dir)
    app.extensions["guest_signers"] = principals.guest_signers(derived_key(master_key, "guests"), master_key)
    cipher = Cipher(
        key_ring(config.encryption_keys, config.data_dir),
        reload=None if config.encryption_keys else partial(reread, config.data_dir),
    )
    app.extensions["services"] = services = Services(
        accounts=wire_accounts(
            config,
            database,
            master_key=master_key,
            cipher=cipher,
            stop_runs=runs.stop_all,
            configured_url=config.openai_base_url or OPENAI_BASE_URL,
            configured=remote,
            own_servers=own_servers,
        ),
        answering=answering,
        conversations=Conversations(database, stop_runs=runs.stop_all),
        directory=directory,
        memory=memory,
        revocations=revocations,
        runs=runs,
        threads=Threads(database),
    )
    sources: dict[str, ModelSource] = {**local}
    if config.openai_base_url or config.openai_api_key:
        sources[OPENAI] = remote
    app.extensions["start_background"] = partial(_start_background, services, sources)
    app.extensions["drain"] = runs.drain
    app.extensions["interrupt"] = answering.interrupt_all


def _start_background(services: Services, sources: dict[str, ModelSource]) -> None:
    services.runs.start_keeping()
    keep_models_fresh(services.directory, sources)
    accounts = services.accounts
    clean_up_hourly(
        services.conversations.purge_deleted,
        services.runs.forget_requests,
        accounts.recovery.clean_up,
        accounts.sessions.clean_up,
        accounts.throttle.clean_up,
        accounts.deleting.finish_deletions,
        accounts.audit_log.forget_old,
        accounts.invitations.forget_old,
        services.revocations.forget_old,
    )


def _openai_compatible(config: Config, base_url: str, transport: GeventTransport | None = None) -> OpenAICompatible:
    is_configured = transport is None and base_url == config.openai_base_url
    return OpenAICompatible(
        # The server's key goes to the configured provider only.
        api_key=config.openai_api_key if is_configured else "",
        is_operators=is_configured,
        base_url=base_url,
        connect_timeout_s=config.connect_timeout_s,
        open_timeout_s=config.first_token_timeout_s,
        # Often enough that no limit or heartbeat is noticed late by more than a quarter.
        tick_s=min(config.heartbeat_s, config.first_token_timeout_s, config.stall_timeout_s) / 4,
        transport=transport,
    )


def _own_servers(config: Config) -> OwnServers:
    """Return the way to the servers that people name: to addresses that are theirs to name, and shared with nobody."""
    checked = CheckedAddresses(timeout_s=config.connect_timeout_s, is_home=config.own_base_urls == "private")
    transport = GeventTransport(connect_timeout_s=config.connect_timeout_s, addresses_of=checked, keeps_idle=False)
    return OwnServers(lambda base_url: _openai_compatible(config, base_url, transport))


def _local_servers(config: Config) -> dict[str, OpenAICompatible]:
    """Return the model servers to look for on this machine: none when a key or a URL says where the models are."""
    if config.local_servers == "off" or config.openai_api_key or config.openai_base_url:
        return {}
    return {
        server.name: _openai_compatible(config, server.base_url)
        for server in LOCAL_SERVERS
        # One of them has the port that this server has itself.
        if urlsplit(server.base_url).port != config.port
    }


def _wire_web(app: Flask, config: Config) -> None:
    init_logging(config.log_level)
    request_log.init_request_log(app)
    guards.init_guards(app, config)
    init_errors(app)
    assets.init_assets(app, ROOT / "static")
    pages.init_pages(app)
    # The routes' blueprints are shared by all applications of a process: what depends on settings hangs on this one.
    api = Blueprint("api", __name__)
    CORS(api, **cors_options(config.cors_origins))
    for module in (chat, conversations_web, runs_web, memory_web, guests, info):
        api.register_blueprint(module.bp)
    app.register_blueprint(api)
    for module in PRIVATE:
        app.register_blueprint(module.bp)
    app.after_request(principals.keep_cookies)
    app.register_blueprint(docs.bp)
    app.register_blueprint(well_known.bp)
    access.init_access(app)
    app.config.update(
        COMPRESS_ALGORITHM=["gzip"],
        COMPRESS_STREAMS=False,
        # Static files are compressed once, see `web.assets`.
        COMPRESS_MIMETYPES=["text/html", "application/json", "application/problem+json"],
    )
    Compress(app)
