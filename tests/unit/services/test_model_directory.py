"""Which models can be asked, by whom, and who answers for the retired ones."""

from datetime import date

import pytest

from chatapp.core.models import Model
from chatapp.core.own_servers import Own
from chatapp.errors import BadInput
from chatapp.providers.catalog import load_catalog
from chatapp.services.model_directory import ModelDirectory

CATALOG = load_catalog()
TODAY = date(2026, 11, 20)
OWN_LLAMA = Model(id="llama3.2", name="Llama", provider="ollama", context_window=131_072, input_usd_per_million=0.0)


def directory_with(
    *,
    key: bool = False,
    custom: bool = False,
    chosen: str = "",
    today: date = TODAY,
    own: tuple[Model, ...] = (),
    **offered: list[str],
) -> ModelDirectory:
    """A directory as the factory makes it: with a key, or a server of one's own, and what servers list."""
    directory = ModelDirectory(
        {**CATALOG.models, **{model.id: model for model in own}},
        catalog_default=CATALOG.default,
        chosen_default=chosen,
        is_configured=key or custom,
        is_openai_itself=not custom,
        today=lambda: today,
    )
    for provider, ids in offered.items():
        directory.offer(provider, ids)
    return directory


def own_with(*, key: bool) -> Own:
    return Own(open_key=(lambda: "sk-own") if key else None)


def statuses(directory: ModelDirectory, *, has_own_key: bool = False) -> dict[str, str]:
    return {each.model.id: each.status for each in directory.listing(own_with(key=has_own_key))}


@pytest.mark.parametrize(
    ("directory", "default", "integration"),
    [
        pytest.param(directory_with(), "demo", "demo", id="nothing"),
        pytest.param(directory_with(key=True), "gpt-4o-mini", "openai", id="key"),
        pytest.param(directory_with(ollama=["llama3.2", "qwen3"]), "llama3.2", "local", id="local"),
        pytest.param(directory_with(ollama=[], lmstudio=["phi"]), "phi", "local", id="second-local"),
        pytest.param(directory_with(key=True, openai=["gpt-6-sol"]), "gpt-4o-mini", "openai", id="openai-itself"),
        pytest.param(directory_with(custom=True, openai=["my-model", "b"]), "my-model", "openai", id="custom"),
        pytest.param(
            directory_with(custom=True, openai=["b", "gpt-4o-mini"]), "gpt-4o-mini", "openai", id="custom-has"
        ),
        pytest.param(directory_with(key=True, chosen="gpt-4o"), "gpt-4o", "openai", id="chosen"),
        pytest.param(directory_with(custom=True, chosen="mine"), "mine", "openai", id="chosen-unlisted"),
        pytest.param(directory_with(chosen="qwen3", ollama=["a", "qwen3"]), "qwen3", "local", id="chosen-local"),
        pytest.param(directory_with(chosen="qwen3", ollama=["a"]), "a", "local", id="chosen-not-there"),
        pytest.param(directory_with(chosen="qwen3"), "demo", "demo", id="chosen-server-not-there"),
        pytest.param(directory_with(key=True, chosen="demo"), "demo", "demo", id="chosen-demo"),
    ],
)
def test_the_default_is_what_can_answer(directory: ModelDirectory, default: str, integration: str) -> None:
    """Whoever names no model gets an answer in any set-up, and pages never fail for want of one."""
    assert (directory.default_id, directory.integration) == (default, integration)
    assert default in statuses(directory) or default == "mine"


@pytest.mark.parametrize(("today", "default"), [(date(2027, 1, 13), "gpt-4o-mini"), (date(2027, 1, 14), "gpt-6-luna")])
def test_the_default_follows_retirement_by_date(today: date, default: str) -> None:
    """Nobody has to change a setting on that day."""
    assert directory_with(key=True, today=today).default_id == default


def test_the_default_has_no_notice_but_a_named_model_has() -> None:
    """Only who asked for a model is told that another answered."""
    directory = directory_with(key=True, today=date(2027, 2, 1))

    assert directory.resolve(None).notices == ()
    assert directory.resolve("gpt-4o-mini").notices == (
        "gpt-4o-mini was retired on 2027-01-14; gpt-6-luna answers instead.",
    )
    assert directory.resolve("gpt-6-luna").notices == ()


def test_a_chain_of_retired_models_is_followed_to_its_end() -> None:
    """A successor retires too."""
    resolved = directory_with(key=True, today=date(2027, 2, 1)).resolve("gpt-3.5-turbo")

    assert resolved.model.id == "gpt-5.6-luna"
    assert resolved.notices == ("gpt-3.5-turbo was retired on 2026-10-23; gpt-5.6-luna answers instead.",)


@pytest.mark.parametrize("model_id", ["a", "b"])
def test_successors_that_name_each_other_do_not_hang(model_id: str) -> None:
    """A slip in an own file must not stop a worker."""
    gone = date(2026, 1, 1)
    own = (
        Model(id="a", name="a", provider="openai", retires_on=gone, successor="b"),
        Model(id="b", name="b", provider="openai", retires_on=gone, successor="a"),
    )

    assert directory_with(key=True, own=own).resolve(model_id).model.id in {"a", "b"}


def test_states_without_a_key() -> None:
    """People see at once what they can ask and what needs a key of theirs."""
    found = statuses(directory_with())

    assert next(iter(found)) == "demo"
    assert found["demo"] == "available"
    assert found["gpt-6-sol"] == found["gpt-4o"] == "no_key"
    assert found["gpt-3.5-turbo"] == "retired"


@pytest.mark.parametrize("has_key", [False, True], ids=["own-key", "servers-key"])
def test_states_with_a_key(has_key: bool) -> None:
    """The person's own key opens what the server's would."""
    found = statuses(directory_with(key=has_key), has_own_key=not has_key)

    assert found["gpt-6-sol"] == "available"
    assert found["gpt-4o"] == "retiring"
    assert found["gpt-3.5-turbo"] == "retired"
    assert "no_key" not in found.values()


def test_what_can_be_asked_is_listed_first() -> None:
    """In a long list the retired ones are the least of interest."""
    ranks = ["available", "retiring", "no_key", "retired"]
    for directory in (directory_with(), directory_with(key=True), directory_with(ollama=["a"])):
        places = [ranks.index(status) for status in statuses(directory).values()]

        assert places == sorted(places)


@pytest.mark.parametrize(
    ("directory", "is_shown"),
    [
        pytest.param(directory_with(), True, id="nothing-else"),
        pytest.param(directory_with(key=True), False, id="key"),
        pytest.param(directory_with(ollama=["a"]), False, id="local"),
        pytest.param(directory_with(custom=True), False, id="custom"),
    ],
)
def test_the_demo_is_shown_only_where_nothing_else_answers(directory: ModelDirectory, is_shown: bool) -> None:
    """Beside real models it would be mistaken for one."""
    assert ("demo" in statuses(directory)) is is_shown


def test_a_server_of_ones_own_serves_a_retired_name_for_as_long_as_it_likes() -> None:
    """OpenAI's dates say nothing of other servers that use its names."""
    directory = directory_with(custom=True, openai=["gpt-3.5-turbo"])

    resolved = directory.resolve("gpt-3.5-turbo")

    assert (resolved.model.id, resolved.notices) == ("gpt-3.5-turbo", ())
    assert statuses(directory) == {"gpt-3.5-turbo": "available"}


def test_a_server_of_ones_own_needs_no_key() -> None:
    """Most of them want none."""
    directory = directory_with(custom=True, openai=["my-model"])

    assert directory.resolve("my-model").model.provider == "openai"
    assert directory.resolve("not-listed").model.provider == "openai"
    assert "no_key" not in statuses(directory).values()


def test_a_local_model_with_the_name_of_openais_is_the_local_one() -> None:
    """What a server on this machine lists is asked there, and shown so."""
    directory = directory_with(ollama=["gpt-4o"])

    assert directory.resolve("gpt-4o").model == Model(id="gpt-4o", name="gpt-4o", provider="ollama")
    assert statuses(directory)["gpt-4o"] == "available"


def test_what_the_operators_file_says_of_a_local_model_counts_when_the_server_lists_it() -> None:
    """Window and price are known only from there."""
    directory = directory_with(own=(OWN_LLAMA,), ollama=["llama3.2"])

    assert directory.resolve("llama3.2").model == OWN_LLAMA


def test_a_server_that_went_away_takes_its_models_along() -> None:
    """A list of what was there yesterday helps nobody."""
    directory = directory_with(ollama=["llama3.2"])

    directory.withdraw("ollama")

    assert directory.default_id == "demo"
    assert "llama3.2" not in statuses(directory)
    with pytest.raises(BadInput):
        directory.resolve("llama3.2")


def test_a_new_list_replaces_the_old_one() -> None:
    """Models are removed from servers, too."""
    directory = directory_with(ollama=["a", "b"])

    directory.offer("ollama", ["b", "c"])

    assert directory.default_id == "b"
    assert "a" not in statuses(directory)


@pytest.mark.parametrize(
    ("model_id", "has_own_key", "is_taken"),
    [
        pytest.param("no-such-model", False, False, id="unknown"),
        pytest.param("gpt-4o", False, False, id="no-key"),
        pytest.param("gpt-4o", True, True, id="own-key"),
        pytest.param("no-such-model", True, True, id="unknown-own-key"),
        pytest.param("demo", False, True, id="demo"),
    ],
)
def test_a_model_is_refused_only_if_nobody_can_answer(model_id: str, has_own_key: bool, is_taken: bool) -> None:
    """A provider knows more models than any list."""
    directory = directory_with()
    if is_taken:
        assert directory.resolve(model_id, own_with(key=has_own_key)).model.id == model_id
        return

    with pytest.raises(BadInput) as caught:
        directory.resolve(model_id, own_with(key=has_own_key))

    assert caught.value.code == "model_unavailable"
    assert model_id in caught.value.message


def test_a_server_without_a_list_is_asked_for_what_the_catalogue_knows() -> None:
    """Window and price of the operator's own entry count, whether or not the server lists its models."""
    model = directory_with(custom=True).resolve("gpt-4o-mini").model

    assert (model.provider, model.context_window is not None, model.retires_on) == ("openai", True, None)
