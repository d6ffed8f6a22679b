"""The operator's commands: `flask --app wsgi users …` and `flask --app wsgi keys …`."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click
from flask import Flask
from flask.cli import AppGroup

from chatapp.core.principals import Origin, Principal
from chatapp.errors import AppError
from chatapp.key_commands import keys
from chatapp.web.context import Accounts, services

P = ParamSpec("P")

users = AppGroup("users", help="Accounts and administrators.")

# Who acts is whoever has the machine.
OPERATOR = Origin(address="", agent="command line")


def init_commands(app: Flask) -> None:
    """Let `flask --app wsgi` know our commands."""
    app.cli.add_command(users)
    app.cli.add_command(keys)


def _told_in_one_line(command: Callable[P, None]) -> Callable[P, None]:
    """Have what was refused end the command with its reason."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except AppError as error:
            raise click.ClickException(error.message) from error

    return told


def _accounts() -> Accounts:
    return services().accounts


@users.command("create-admin")
@click.argument("email")
@click.password_option(help="Left out, it is asked for; it never needs to stand on the command line.")
@_told_in_one_line
def create_admin(email: str, password: str) -> None:
    """Make an administrator's account."""
    made = _accounts().registering.create_admin(email=email, password=password, origin=OPERATOR)
    click.echo(f"{made.email} is an administrator now.")


@users.command("make-admin")
@click.argument("email")
@_told_in_one_line
def make_admin(email: str) -> None:
    """Make an administrator of an account that exists."""
    made = _accounts().registering.make_admin(email, OPERATOR)
    click.echo(f"{made.email} is an administrator now.")


@users.command("reset-password")
@click.argument("email")
@_told_in_one_line
def reset_password(email: str) -> None:
    """Print a link by which the owner of an account sets a new password, once and within an hour."""
    user = _accounts().profiles.by_email(email)
    click.echo(_accounts().recovery.link_for(user.id, OPERATOR))


@users.command("turn-off-second-factor")
@click.argument("email")
@_told_in_one_line
def turn_off_second_factor(email: str) -> None:
    """Let an account be signed in to with the password alone, for somebody who lost their device and their codes."""
    user = _accounts().profiles.by_email(email)
    _accounts().second_factor.turn_off(Principal(owner_id=user.id, kind="user"), OPERATOR)
    click.echo(f"{user.email} signs in with the password alone now.")


@users.command("list")
def list_users() -> None:
    """Print all accounts, oldest first: address, role, state."""
    for user in _accounts().profiles.all():
        state = "suspended" if user.suspended_at else "active"
        click.echo(f"{user.email}\t{user.role}\t{state}")
