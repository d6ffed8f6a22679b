"""What must hold after any kill: nothing acknowledged is lost, nothing is doubled, nothing is left half-done."""

from dataclasses import dataclass, field

from tests.durability.campaign import Campaign, Said, Writer
from tests.durability.pairs import Pair, rows
from tests.durability.scripted import answer_to, token_of
from tests.wire.reader import Payload

# What a reader has seen this long before a kill must be in the database.
KEPT_AFTER_S = 2.0


@dataclass
class Findings:
    """What the stored conversations look like, beside what was said in them."""

    acknowledged: int = 0
    answers: int = 0
    interrupted: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def add(self, other: "Findings") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def findings_of(campaign: Campaign) -> Findings:
    """Read everything back through the API and look into the database itself."""
    found = Findings(wrong=list(campaign.failures))
    for writer in campaign.writers:
        _compare(campaign.pair, writer, found)
    found.wrong += damages(campaign.pair)
    return found


def damages(pair: Pair) -> list[str]:
    """What is broken in the database itself, and runs that nobody will ever end."""
    found = []
    statements = ["SELECT id FROM messages WHERE state = 'running'", "SELECT message_id FROM runs"]
    if pair.is_sqlite:
        statements.append("PRAGMA foreign_key_check")
        integrity = rows(pair.url, "PRAGMA integrity_check")
        found += [] if integrity == [("ok",)] else [f"integrity: {integrity}"]
        # A search takes in what waits to be found; then its words are held against the texts, which raises when they
        # differ.
        pair.guest().get(pair.b, "/conversations/search", q="all")
        statements.append("INSERT INTO search_terms (search_terms, rank) VALUES ('integrity-check', 1)")
    for statement in statements:
        if left := rows(pair.url, statement):
            found.append(f"{statement}: {left[:3]}")
    return found


def _compare(pair: Pair, writer: Writer, found: Findings) -> None:
    stored: dict[str, list[tuple[Payload, Payload]]] = {}
    for conversation in writer.guest.conversations(pair.b):
        path = writer.guest.messages(pair.b, conversation["id"])
        if len(path) % 2 or any(len(message["siblings"]) != 1 for message in path):
            found.doubled.append(f"conversation {conversation['id']} is not one question and one answer in turn")
        for asked, answer in zip(path[::2], path[1::2], strict=False):
            stored.setdefault(token_of(asked["text"]), []).append((asked, answer))
    for said in writer.said:
        pairs = stored.pop(said.token, [])
        if said.is_acknowledged:
            found.acknowledged += 1
            if not pairs:
                found.lost.append(f"{said.text} was acknowledged as {said.reading.start}")
        if len(pairs) > 1 or len(pair.upstream.calls_for(said.token)) > 1:
            found.doubled.append(f"{said.text} is there {len(pairs)} times")
        for asked, answer in pairs:
            _compare_one(said, asked, answer, found)
    found.wrong += [f"{token} was never said" for token in stored]


def _compare_one(said: Said, asked: Payload, answer: Payload, found: Findings) -> None:
    text, state, start = str(answer["text"]), answer["state"], said.reading.start
    found.answers += 1
    found.interrupted += state == "interrupted"
    if asked["text"] != said.text:
        found.lost.append(f"{said.text} is stored as {asked['text']}")
    if start and (answer["id"], asked["id"]) != (start["run_id"], start.get("user_message_id", asked["id"])):
        found.wrong.append(f"{said.text} is stored as {asked['id']} and {answer['id']}, told was {start}")
    whole = answer_to(said.token, said.chunks)
    if not whole.startswith(text) or (state == "complete" and text != whole):
        found.wrong.append(f"{state} answer to {said.text} is not what was sent: {text[-50:]!r}")
    if state not in {"complete", "interrupted"}:
        found.wrong.append(f"the answer to {said.text} is {state} {answer['error_code']}")
    if said.reading.done is not None and said.reading.text != text:
        found.wrong.append(f"{said.text}: read {said.reading.text[-50:]!r}, stored {text[-50:]!r}")
    if said.cut_at is not None:
        seen = max((position for at, position in said.seen if at < said.cut_at - KEPT_AFTER_S), default=0)
        if seen > len(text):
            found.lost.append(f"{said.text}: {seen} characters were seen long before, {len(text)} are kept")
