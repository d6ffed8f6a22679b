"""The race for the first account: two workers, either database, exactly one administrator."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from chatapp.store.account_tables import users
from chatapp.store.db import Database
from tests.conftest import StartServer
from tests.wire.reader import send

TOGETHER = 50
HEADERS = {"Content-Type": "application/json"}


def test_of_fifty_first_accounts_one_is_the_administrator(start_server: StartServer, database_url: str) -> None:
    """Whoever comes first; all others have an account like any other, or were told to try again."""
    server = start_server({"DATABASE_URL": database_url, "WEB_CONCURRENCY": "2", "TRUSTED_PROXIES": "1"})
    barrier = Barrier(TOGETHER)

    def register(number: int) -> int:
        body = {"email": f"person{number}@example.com", "password": "harbour-lamp-42"}
        # From an address of their own, since one address may not make so many.
        headers = {**HEADERS, "X-Forwarded-For": f"192.0.2.{number}"}
        barrier.wait()
        return send(server.base_url, "POST", "/auth/register", json.dumps(body).encode(), headers).status

    with ThreadPoolExecutor(TOGETHER) as pool:
        statuses = list(pool.map(register, range(TOGETHER)))

    database = Database(database_url)
    with database.read() as connection:
        roles = list(connection.execute(select(users.c.role)).scalars())
    database.close()
    assert statuses.count(202) == len(roles) == TOGETHER
    assert roles.count("admin") == 1
