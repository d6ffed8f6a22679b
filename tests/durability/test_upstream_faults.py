"""U1–U28 in conversations that are kept: whatever the upstream does, the question stays and the answer has an end."""

from concurrent.futures import ThreadPoolExecutor

from tests.durability.pairs import Pair
from tests.durability.readers import Guest, Reading
from tests.durability.verifying import damages
from tests.wire.behaviours import ANSWERS
from tests.wire.reader import Payload, marker
from tests.wire.upstream import CANARY

# Those that wait before they try again take too long here; how long is tested without a database.
MODELS = [name for name in sorted(ANSWERS) if not name.startswith("u06")]
STATES = {"stop": "complete", "length": "complete", "content_filter": "complete", "error": "error"}


def ask_one(pair: Pair, guest: Guest, model: str) -> tuple[str, Reading, Payload, Payload]:
    """Ask one model. Shape: the question, the answer as it was read, and both as they are stored."""
    question = marker()
    reading = guest.say(pair.a, question, model=model)
    asked, answer = guest.messages(pair.b, reading.start["conversation_id"])
    return question, reading, asked, answer


def test_every_answer_is_stored_as_it_was_read(pair: Pair, guest: Guest) -> None:
    """Also halves of answers, absurd figures, and texts that a database would rather not take."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda model: ask_one(pair, guest, model), MODELS))

    for model, (question, reading, asked, answer) in zip(MODELS, found, strict=True):
        result = reading.result
        assert result["saved"], model
        assert asked["text"] == question
        assert answer["text"] == reading.text, model
        assert answer["state"] == STATES[result["finish_reason"]], (model, answer)
        assert answer["error_code"] == (reading.error and reading.error["code"]), model
        assert answer["usage"] == result["usage"], model
        assert CANARY not in str(answer), model
    assert damages(pair) == []
