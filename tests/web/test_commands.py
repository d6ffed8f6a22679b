"""The operator's commands, which need no browser and no server."""

from flask import Flask

from tests.applications import make_app


def test_accounts_are_made_and_mended_on_the_command_line() -> None:
    """The first administrator, another one, a forgotten password, and what cannot be done in one line of words."""
    app = make_app()

    made = said(app, "create-admin", "ann@example.com", "--password", "harbour-lamp-42")
    twice = said(app, "create-admin", "ann@example.com", "--password", "harbour-lamp-42")
    weak = said(app, "create-admin", "bob@example.com", "--password", "password")
    app.test_client().post("/auth/register", json={"email": "bob@example.com", "password": "harbour-lamp-42"})
    before = said(app, "list")
    promoted = said(app, "make-admin", "bob@example.com")
    unknown = said(app, "make-admin", "nobody@example.com")
    link = said(app, "reset-password", "bob@example.com")

    assert made == (0, "ann@example.com is an administrator now.")
    assert twice == (1, "Error: This address has an account already.")
    assert weak[0] == 1
    assert "password" in weak[1]
    assert before == (0, "ann@example.com\tadmin\tactive\nbob@example.com\tuser\tactive")
    assert promoted == (0, "bob@example.com is an administrator now.")
    assert unknown == (1, "Error: This address has no account.")
    ticket = link[1].partition("#")[2]
    reset = app.test_client().post("/auth/reset", json={"ticket": ticket, "password": "another-lamp-77"})
    assert reset.status_code == 204
    signed_in = app.test_client().post(
        "/auth/sign-in", json={"email": "bob@example.com", "password": "another-lamp-77"}
    )
    assert signed_in.status_code == 200


def said(app: Flask, *words: str) -> tuple[int, str]:
    """Run `flask users …` and return how it ended and what it said."""
    done = app.test_cli_runner().invoke(args=["users", *words])
    lines = [line for line in done.output.splitlines() if not line.startswith("{")]
    return done.exit_code, "\n".join(lines).strip()
