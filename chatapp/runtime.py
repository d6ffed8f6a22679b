"""What runs beside the requests of a worker: keeping lists of models fresh, and removing what has had its time."""

import logging
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import gevent

from chatapp.core.ports import ModelSource
from chatapp.errors import ProviderError, StorageUnavailable
from chatapp.services.model_directory import ModelDirectory

log = logging.getLogger(__name__)

REFRESH_S = 300.0
CLEAN_UP_S = 3600.0


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


def clean_up_hourly(*tasks: Callable[[datetime], object]) -> "gevent.Greenlet[..., None]":
    """Give each task the time, about once an hour and first within the hour."""
    return gevent.spawn(_clean_up, tasks)


def _clean_up(tasks: tuple[Callable[[datetime], object], ...]) -> None:
    while True:
        gevent.sleep(CLEAN_UP_S * random.uniform(0.1, 1.0))  # noqa: S311  # spreads the workers' work
        for task in tasks:
            try:
                task(datetime.now(UTC))
            except StorageUnavailable:
                log.warning("clean_up.failed")
