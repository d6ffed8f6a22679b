"""The pages of accounts: coming in, a forgotten password, the settings, the administration."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from chatapp.core.accounts import User, initials_of
from chatapp.errors import AppError
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.errors import problem_of
from chatapp.web.following import path_of
from chatapp.web.principals import account, guest_of_browser, origin, visitor
from chatapp.web.reading import read_body
from chatapp.web.signed_in import keep_session

bp = Blueprint("account_pages", __name__)

# Colours of drawn pictures, see `.avatar` in the style sheet.
HUES = 6
# Languages offered for numbers and dates, by their own names; an account may have any other.
LANGUAGES = {
    "en": "English", "en-GB": "English (UK)", "ar": "العربية", "bn": "বাংলা", "cs": "Čeština", "da": "Dansk",
    "de": "Deutsch", "de-CH": "Deutsch (Schweiz)", "el": "Ελληνικά", "es": "Español", "es-MX": "Español (México)",
    "fa": "فارسی", "fi": "Suomi", "fr": "Français", "fr-CA": "Français (Canada)", "he": "עברית", "hi": "हिन्दी",
    "hu": "Magyar", "id": "Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "nb": "Norsk bokmål",
    "nl": "Nederlands", "pl": "Polski", "pt": "Português", "pt-BR": "Português (Brasil)", "ro": "Română",
    "ru": "Русский", "sv": "Svenska", "th": "ไทย", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt",
    "zh-CN": "中文（简体）", "zh-TW": "中文（繁體）",
}  # fmt: skip

# What the audit log can be narrowed to, by the beginning of an event's kind.
AUDIT_KINDS = {
    "sign_in": "Sign-ins",
    "sign_in.failed": "Sign-ins that failed",
    "sign_out": "Sign-outs",
    "session": "A session that ended or was confirmed",
    "sessions": "All sessions that ended",
    "account": "Accounts: made, suspended, restored, deleted",
    "role": "Roles",
    "groups": "Groups of people",
    "invitation": "Invitations",
    "password": "Passwords",
    "totp": "Two-step sign-in",
    "second_factor": "Codes that did not fit",
    "recovery_code": "Recovery codes",
    "passkey": "Passkeys",
    "identity": "Connected accounts",
    "token": "Tokens",
    "provider_key": "People's own keys",
}

# What is told to who is led to the sign-in page, by the `said` of its address.
NOTICES = {
    "registered": "Sign in with your address and password. Had you an account before? Then its password still holds.",
}
# Which field an error is about whose words name none.
FIELD_OF = {
    "weak_password": "password",
    "wrong_credentials": "password",
    "wrong_code": "code",
    "invitation_needed": "invitation",
}
FIELD_NAMED = re.compile(r"`(\w+)` ")

Problem = Mapping[str, Any]


@bp.app_context_processor
def _account_context() -> dict[str, Any]:
    """Give every page the account it is shown to, as `account`, or None; and whether chatting needs one."""
    # An error's page must not look again for what may be the error.
    if not g.get("outcome"):
        visitor()
    user: User | None = g.get("user")
    needs_account = user is None and config().access != "open"
    return {"account": None if user is None else _shown(user), "needs_account": needs_account}


@bp.get("/signin")
@needs("public")
def sign_in() -> str | WerkzeugResponse:
    """The form to sign in; who is signed in is led on."""
    if _is_signed_in():
        return redirect(path_of(request.args.get("next")), 303)
    return render_sign_in(
        typed={"next": request.args.get("next", "")}, notice=NOTICES.get(request.args.get("said", ""))
    )


@bp.post("/signin")
@needs("public")
def second_step_by_form() -> Response | WerkzeugResponse:
    """Take the second step of signing in without JavaScript: the fields `ticket`, `code` and `next`."""
    read_body(request)
    form = request.form
    following = path_of(form.get("next"))
    try:
        result = services().accounts.second_factor.sign_in(
            form.get("ticket", ""), form.get("code", ""), origin=origin(), guest=guest_of_browser()
        )
    except AppError as error:
        problem = _told(error)
        if error.code == "link_not_valid":
            page = render_sign_in(error=problem, typed={"next": following})
        else:
            page = render_second_step(ticket=form.get("ticket", "")[:200], following=following, error=problem)
        return make_response(page, error.status)
    response = redirect(following, 303)
    keep_session(response, result)  # type: ignore[arg-type]  # what Flask's extends
    return response


@bp.get("/signup")
@needs("public")
def sign_up() -> str | WerkzeugResponse:
    """The form for a new account; an invitation's secret stands behind the address, which the server never sees."""
    return redirect(path_of(None), 303) if _is_signed_in() else render_sign_up()


@bp.get("/forgotten")
@needs("public")
def forgotten() -> str:
    """The form that asks for a link to a new password."""
    return _render_forgotten()


@bp.post("/forgotten")
@needs("public")
def forgotten_by_form() -> Response:
    """Send the link without JavaScript; the page is the same whether or not the address has an account."""
    read_body(request)
    email = request.form.get("email", "")[:300]
    try:
        services().accounts.recovery.forgotten(email, origin())
    except AppError as error:
        return make_response(_render_forgotten(email=email, faults=_faults(_told(error))), error.status)
    return make_response(_render_forgotten(email=email, is_sent=True), 202)


@bp.get("/reset")
@needs("public")
def reset() -> str:
    """The form for a new password; its ticket stands behind the address."""
    return _render_entry("reset")


@bp.get("/verify")
@needs("public")
def verify() -> str:
    """The button that proves an address; its ticket stands behind the address."""
    return _render_entry("verify")


@bp.get("/settings")
@needs("session")
def settings() -> str:
    """What a person sees and changes of their account."""
    profile = services().accounts.profiles.get(account())
    language = profile.user.language
    return render_template(
        "account/settings.html",
        page="settings",
        languages=list(({language: language} | LANGUAGES).items()),
        has_password=profile.user.has_password,
        has_identities=bool(profile.issuers),
        oidc_name=_oidc_name(),
    )


@bp.get("/admin")
@needs("admin")
def admin() -> str:
    """People, groups, invitations and the audit log."""
    return render_template("admin.html", page="admin", access=config().access, audit_kinds=AUDIT_KINDS.items())


def render_sign_in(
    *, error: Problem | None = None, typed: Mapping[str, str] | None = None, notice: str | None = None
) -> str:
    """Render the page to sign in, with what is wrong and what was typed (`email`, `next`)."""
    typed = typed or {}
    return _render_entry(
        "signin",
        faults=_faults(error),
        email=typed.get("email", ""),
        next=path_of(typed.get("next")),
        notice=notice,
        ticket="",
        can_sign_up=services().accounts.registering.is_open(),
    )


def render_second_step(*, ticket: str, following: str, error: Problem | None = None) -> str:
    """Render the page to sign in at its second step, which the ticket stands for."""
    return _render_entry(
        "signin", faults=_faults(error), email="", next=following, notice=None, ticket=ticket, can_sign_up=False
    )


def render_sign_up(
    *, error: Problem | None = None, typed: Mapping[str, str] | None = None, is_mailed: bool = False
) -> str:
    """Render the page for a new account, with what is wrong and what was typed (`email`, `name`, `invitation`)."""
    typed = typed or {}
    registering = services().accounts.registering
    guest = guest_of_browser()
    return _render_entry(
        "signup",
        faults=_faults(error),
        email=typed.get("email", ""),
        name=typed.get("name", ""),
        invitation=typed.get("invitation", ""),
        is_mailed=is_mailed,
        is_first=registering.is_first(),
        needs_invitation=not registering.is_open(),
        has_threads=bool(services().conversations.page(guest, limit=1).conversations),
    )


def _render_forgotten(*, email: str = "", faults: Mapping[str, str] | None = None, is_sent: bool = False) -> str:
    return _render_entry("forgotten", faults=faults or {}, email=email, is_sent=is_sent)


def _render_entry(template: str, **values: Any) -> str:
    return render_template(
        f"account/{template}.html", page="account", oidc_name=_oidc_name(), has_mail=bool(config().smtp_url), **values
    )


def _oidc_name() -> str:
    """Return the other provider's name for a button, empty without one."""
    settings = config()
    if not settings.oidc_issuer:
        return ""
    return settings.oidc_name or settings.oidc_issuer.partition("://")[2].partition("/")[0]


def _is_signed_in() -> bool:
    found = visitor()
    return found is not None and found.kind == "user"


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "email": user.email,
        "initials": initials_of(user.name),
        "hue": user.id.int % HUES,
        "language": user.language,
        "theme": user.theme,
        "role": user.role,
    }


def _told(error: AppError) -> Problem:
    g.outcome = error.code
    return problem_of(error, g.request_id)


def _faults(error: Problem | None) -> dict[str, str]:
    """Return what is wrong by the field that it is about; by "" for what is about none."""
    if error is None:
        return {}
    text = str(error["detail"])
    named = FIELD_NAMED.match(text)
    field = FIELD_OF.get(str(error["code"]), named[1] if named else "")
    # It names the field, as programs know it; whoever reads this sees the field.
    return {field: FIELD_NAMED.sub("This ", text, count=1) if named else text}
