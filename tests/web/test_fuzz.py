"""A small part of `make fuzz`: the same requests each time, to a server that others use as well."""

from chatapp.config import Config
from tests.fuzz.campaign import Campaign
from tests.fuzz.pages import pages_of
from tests.live_server import LiveServer

# People are counted by their address there, which is one for all tests.
SPARES = frozenset({"/auth/register", "/auth/oidc"})


def test_malformed_requests_find_no_fault(faulty_site: LiveServer) -> None:
    """What no client should send is refused in our words, and leaves workers and log as they should be."""
    database_url = Config(data_dir=faulty_site.data_dir).database
    campaign = Campaign(faulty_site, database_url, seed=6, pages=pages_of(), spares=SPARES)

    campaign.run(requests=220, raw=60)

    campaign.close()
    assert campaign.tally.faults + campaign.raw.faults == []
    assert campaign.tally.sent == 220
    assert {status[0] for status in campaign.tally.statuses} >= {"2", "4"}
