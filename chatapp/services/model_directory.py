"""Which models can be asked right now, by whom, and who answers in a retired one's place."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Literal

import msgspec
from msgspec.structs import replace

from chatapp.core.models import Model, ModelStatus
from chatapp.core.own_servers import LONGEST_MODEL_ID, NOTHING_OWN, PREFIX, Own, OwnServer
from chatapp.errors import BadInput

DEMO = "demo"
OPENAI = "openai"

Integration = Literal["openai", "local", "demo"]


class ListedModel(msgspec.Struct, frozen=True):
    """A model and its state today."""

    model: Model
    status: ModelStatus


class Resolved(msgspec.Struct, frozen=True):
    """The model that will answer, and sentences for the person if it is not the one they named.

    `server` is the person's own one that has it, which knows it as `model_id`.
    """

    model: Model
    notices: tuple[str, ...] = ()
    server: OwnServer | None = None
    model_id: str = ""


class ModelDirectory:
    """All models of the catalogue and of the servers found so far.

    `is_configured` says that there is a key or another server to ask; without, OpenAI's models need the person's own
    key. `is_openai_itself` says that the catalogue's models and their retirement dates apply.

    `offered` lists what a provider itself says it has; it is replaced whole by `offer()`, from the background, so that
    nothing here ever waits for a server.
    """

    def __init__(
        self,
        known: Mapping[str, Model],
        *,
        catalog_default: str,
        chosen_default: str = "",
        is_configured: bool,
        is_openai_itself: bool,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._known = dict(known)
        self._catalog_default = catalog_default
        self._chosen_default = chosen_default
        self._is_configured = is_configured
        self._is_openai_itself = is_openai_itself
        self._today = today
        self._offered: dict[str, tuple[str, ...]] = {}

    def offer(self, provider: str, model_ids: Iterable[str]) -> None:
        """Take note of the models that a provider lists."""
        self._offered = {**self._offered, provider: tuple(model_ids)}

    def withdraw(self, provider: str) -> None:
        """Forget a provider that went away."""
        self._offered = {name: ids for name, ids in self._offered.items() if name != provider}

    @property
    def integration(self) -> Integration:
        """What answers a request that names no model."""
        provider = self.resolve(None).model.provider
        return provider if provider in (OPENAI, DEMO) else "local"  # type: ignore[return-value]  # narrowed by `in`

    @property
    def default_id(self) -> str:
        return self.resolve(None).model.id

    def listing(self, own: Own = NOTHING_OWN) -> list[ListedModel]:
        """Return every model that can be named, the default's provider first; those of the person's own servers last.

        They are nobody else's: `own` is what this very person brings along.
        """
        has_own_key = own.open_key is not None
        models = {model.id: model for model in self._known.values() if self._is_openai_itself or model.provider == DEMO}
        for ids in self._offered.values():
            models |= {model_id: found for model_id in ids if (found := self._find(model_id))}
        if self.integration != DEMO:
            models.pop(DEMO, None)
        elif DEMO in models:
            models = {DEMO: models[DEMO], **models}
        listed = [ListedModel(model, self._status(model, has_own_key=has_own_key)) for model in models.values()]
        rank = {"available": 0, "retiring": 1, "no_key": 2, "retired": 3}
        return sorted(listed, key=lambda each: rank[each.status]) + _own_models(own)

    def resolve(self, requested: str | None, own: Own = NOTHING_OWN) -> Resolved:
        """Return the model that answers a request for `requested`, or the default for None.

        A retired model is answered by its successor. A name that nothing is known of goes to the configured server,
        which may know more than its list.
        Raises: `BadInput` (400 `model_unavailable`).
        """
        if requested is not None and requested.startswith(PREFIX):
            return _own_model(requested, own)
        has_own_key = own.open_key is not None
        model_id = requested or self._default(has_own_key=has_own_key)
        model = self._find(model_id)
        if model is None:
            if not (self._is_configured or has_own_key):
                raise _no_such_model(model_id)
            model = self._unknown(model_id, OPENAI)
        living = self._living(model)
        notices: tuple[str, ...] = ()
        if living is not model and requested:
            notices = (f"{model.id} was retired on {model.retires_on}; {living.id} answers instead.",)
        if living.provider == OPENAI and not (self._is_configured or has_own_key):
            raise BadInput(
                f"{living.id} needs an OpenAI key: enter your own, or ask for another model.", code="model_unavailable"
            )
        return Resolved(living, notices, model_id=living.id)

    def _default(self, *, has_own_key: bool) -> str:
        chosen = self._find(self._chosen_default) if self._chosen_default else None
        if self._chosen_default and (chosen is not None or self._is_configured):
            return self._chosen_default
        # A chosen model of a server that is not running now is answered for by what is.
        if self._is_configured or has_own_key:
            offered = self._offered.get(OPENAI, ())
            if self._is_openai_itself or not offered or self._catalog_default in offered:
                return self._catalog_default
            return offered[0]
        local = next((ids for provider, ids in self._offered.items() if provider != OPENAI and ids), ())
        return local[0] if local else DEMO

    def _find(self, model_id: str) -> Model | None:
        for provider, ids in self._offered.items():
            if model_id in ids:
                return self._offered_model(model_id, provider)
        known = self._known.get(model_id)
        if known is None or known.provider != OPENAI:
            return known
        # A configured server without a list is asked for what the catalogue knows by that name.
        return self._offered_model(model_id, OPENAI)

    def _living(self, model: Model) -> Model:
        seen = {model.id}
        while model.is_retired(self._today()) and model.successor and model.successor not in seen:
            model = self._known[model.successor]
            seen.add(model.id)
        return model

    def _status(self, model: Model, *, has_own_key: bool) -> ModelStatus:
        if model.is_retired(self._today()):
            return "retired"
        if model.provider == OPENAI and not (self._is_configured or has_own_key):
            return "no_key"
        return "retiring" if model.retires_on is not None else "available"

    def _offered_model(self, model_id: str, provider: str) -> Model:
        """Return what is known of a model that a server lists itself.

        A configured server that has a model of OpenAI's name serves that model, for as long as it likes; a server found
        on this machine has only its own.
        """
        known = self._known.get(model_id)
        if known is None or known.provider != provider:
            return self._unknown(model_id, provider)
        is_another = provider == OPENAI and not self._is_openai_itself
        return replace(known, retires_on=None, successor=None) if is_another else known

    @staticmethod
    def _unknown(model_id: str, provider: str) -> Model:
        return Model(id=model_id, name=model_id, provider=provider)


def _own_models(own: Own) -> list[ListedModel]:
    models = [server.model(model_id) for server in own.servers for model_id in server.model_ids]
    return [ListedModel(model, "available") for model in models if len(model.id) <= LONGEST_MODEL_ID]


def _own_model(requested: str, own: Own) -> Resolved:
    """Return a model of a person's own server, which may have more than it lists.

    Raises: `BadInput` (400 `model_unavailable`), for other people's as for any that is not there.
    """
    name, _, model_id = requested.removeprefix(PREFIX).partition("/")
    server = own.server(name)
    if server is None or not model_id:
        raise _no_such_model(requested)
    return Resolved(server.model(model_id), server=server, model_id=model_id)


def _no_such_model(model_id: str) -> BadInput:
    return BadInput(f"There is no model named {model_id!r} here.", code="model_unavailable")
