"""S1, G1–G3: whatever is killed, and whenever, nothing that was acknowledged is lost or doubled."""

from tests.durability.campaign import MOMENTS, Campaign
from tests.durability.pairs import Pair
from tests.durability.verifying import findings_of

WRITERS = 6
KILLS = ("worker", *MOMENTS, "worker")


def test_nothing_acknowledged_is_lost_when_workers_are_killed(pair: Pair) -> None:
    """A few kills of each kind; `make durability` does many."""
    campaign = Campaign(pair, writers=WRITERS, seed="suite", lengths=(5, 40))

    with campaign.writing():
        for kind in KILLS:
            campaign.kill(kind)

    found = findings_of(campaign)
    assert (found.lost, found.doubled, found.wrong) == ([], [], [])
    assert found.acknowledged >= WRITERS
    assert found.interrupted >= 2
