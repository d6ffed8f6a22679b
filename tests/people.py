"""People with accounts, in an application within the test's own process."""

from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from chatapp.store import users
from chatapp.store.db import Database

PASSWORD = "seven herons wade at dawn"


def join(app: Flask, email: str) -> FlaskClient:
    """Make an account and return a browser that has just signed in; the first account is the administrator's."""
    client = app.test_client()
    registered = client.post("/auth/register", json={"email": email, "password": PASSWORD})
    assert registered.status_code == 202, registered.text
    signed_in = client.post("/auth/sign-in", json={"email": email, "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    return client


def database_of(app: Flask) -> Database:
    """The application's database, opened once more."""
    return Database(app.extensions["config"].database)


def id_of(client: FlaskClient) -> UUID:
    """The id of who is signed in."""
    return UUID(client.get("/account").json["id"])


def with_account(app: Flask, email: str, change: Any) -> None:
    """Do something with an account in the database: `change(connection, user_id)`."""
    database = database_of(app)
    with database.write() as connection:
        found = users.by_email(connection, email)
        assert found is not None
        change(connection, found.id)
    database.close()
