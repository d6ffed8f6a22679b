"""What tests do in processes of their own, which start quickly: a server forks them with everything imported."""

import multiprocessing
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event

from chatapp.errors import StorageBusy
from chatapp.store import conversations
from chatapp.store.db import Database
from chatapp.store.schema import prepare


def start(target: Any, *arguments: Any) -> ForkServerProcess:
    """Run a function of this module in a process of its own."""
    context: ForkServerContext = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "alembic.command", "alembic.autogenerate", "psycopg"])
    process = context.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def pipe() -> tuple[Connection, Connection]:
    return multiprocessing.get_context("forkserver").Pipe(duplex=False)


def prepare_database(url: str) -> None:
    prepare(Database(url))


def prepare_and_stop_at(url: str, statement: str, told: Connection) -> None:
    """Prepare the database, but stop for good once `statement` has been run, and say so."""

    @event.listens_for(Engine, "after_cursor_execute")
    def watch(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if " ".join(said.split()).startswith(statement):
            told.send("here")
            time.sleep(60)

    prepare(Database(url))


def write_for(url: str, owner_id: UUID, seconds: float, threads: int, told: Connection) -> None:
    """Make conversations from many threads at once; sends how many were made, and how many writers were refused."""
    database = Database(url)
    made, refused = [0] * threads, [0] * threads
    end = time.monotonic() + seconds

    def write(number: int) -> None:
        while time.monotonic() < end:
            try:
                with database.write() as connection:
                    conversations.create(connection, owner_id=owner_id, title=f"From {number}")
                made[number] += 1
            except StorageBusy:
                refused[number] += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    told.send((made, refused))
