"""What a person brings along to be answered: the key in a header, and what their account has saved."""

from flask import request

from chatapp.core.own_servers import Own
from chatapp.web.context import services
from chatapp.web.principals import principal, visitor
from chatapp.web.reading import read_own_key


def own() -> Own:
    """Return what whoever sends this request is answered with, besides what the server has.

    Cost: one read for accounts, nothing for everybody else. Raises: `InvalidBody` (422), and see `principal`.
    """
    return services().accounts.provider_keys.own(principal(), sent=read_own_key(request))


def own_models() -> Own:
    """Return the same, with the models of their own servers, for whoever may look at them.

    Raises: `InvalidBody` (422).
    """
    who = visitor()
    is_reader = who is not None and (who.may("read") or who.may("chat"))
    return services().accounts.provider_keys.own(
        who if is_reader else None, sent=read_own_key(request), with_models=True
    )
