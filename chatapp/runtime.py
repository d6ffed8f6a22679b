"""What runs beside the requests of a worker: finding servers and keeping their lists of models fresh."""

import logging
import random
from collections.abc import Mapping

import gevent

from chatapp.core.ports import ModelSource
from chatapp.errors import ProviderError
from chatapp.services.model_directory import ModelDirectory

log = logging.getLogger(__name__)

REFRESH_S = 300.0


def keep_models_fresh(
    directory: ModelDirectory, sources: Mapping[str, ModelSource]
) -> "list[gevent.Greenlet[..., None]]":
    """Ask every source for its models now and every five minutes, each on its own so that none waits for another."""
    return [gevent.spawn(_follow, directory, name, source) for name, source in sources.items()]


def _follow(directory: ModelDirectory, name: str, source: ModelSource) -> None:
    is_offered = False
    while True:
        try:
            directory.offer(name, source.model_ids())
            if not is_offered:
                log.info("models.found", extra={"provider": name})
            is_offered = True
        except ProviderError as exc:
            # A server that went away takes its models along; one that never was there is no news. One that is there
            # but fails keeps its list.
            if is_offered and exc.code == "upstream_unreachable":
                log.warning("models.lost", extra={"provider": name})
                directory.withdraw(name)
                is_offered = False
        gevent.sleep(REFRESH_S * random.uniform(0.9, 1.1))  # noqa: S311  # spreads the workers' requests
