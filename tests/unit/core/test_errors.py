"""The tree of errors: codes and statuses that clients rely on."""

import pytest

from chatapp.errors import AppError


def all_errors(root: type[AppError] = AppError) -> list[type[AppError]]:
    """The classes of the tree in the module itself; the web layer may add to it."""
    below = [each for child in root.__subclasses__() for each in all_errors(child)]
    return [root, *below] if root.__module__ == AppError.__module__ else below


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_has_a_status_a_code_and_a_text(kind: type[AppError]) -> None:
    """Clients branch on code and status; people read the text."""
    error = kind("What is wrong.")

    assert 400 <= error.status < 600
    assert error.code == kind.default_code
    assert error.code.islower()
    assert str(error) == error.message == "What is wrong."
    assert error.retry_after_s is None


@pytest.mark.parametrize("kind", all_errors())
def test_what_the_client_did_wrong_is_not_worth_repeating(kind: type[AppError]) -> None:
    """A client that retries a bad request for ever is a load on everybody."""
    if kind.retryable:
        assert kind.status >= 500 or kind.status in {408, 409, 429}
