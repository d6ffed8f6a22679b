"""`flask --app wsgi keys ...`: the keys that encrypt what is kept for people."""

import click
from flask import current_app
from flask.cli import AppGroup

from chatapp.config import Config
from chatapp.key_ring import add_key, drop_keys, key_ring, rotating_alone
from chatapp.secret_files import SecretError
from chatapp.services.encryption import Cipher
from chatapp.services.resealing import Resealed, reseal_everything
from chatapp.store.db import Database

keys = AppGroup("keys", help="The keys that encrypt what is kept for people.")


@keys.command("rotate")
def rotate() -> None:
    """Encrypt everything anew under a new key.

    With ENCRYPTION_KEYS set, put the new key before the others yourself, restart, then run this: it encrypts
    everything under the first. Else a new key is made in DATA_DIR, and those that nothing needs any more are removed.
    """
    config: Config = current_app.extensions["config"]
    database = Database(config.database)
    try:
        done = _under_given_keys(config, database) if config.encryption_keys else _under_new_key(config, database)
    except (SecretError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    finally:
        database.close()
    click.echo(f"{done.renewed} of {done.total} secrets were encrypted anew.")
    if done.unreadable:
        click.echo(
            f"{done.unreadable} cannot be read with the keys that are here; they were left as they are. "
            "Put the missing key back, or have their owners save them anew."
        )
        raise click.exceptions.Exit(1)


def _under_given_keys(config: Config, database: Database) -> Resealed:
    ring = key_ring(config.encryption_keys, config.data_dir)
    done = reseal_everything(database, Cipher(ring))
    spare = [key_id for key_id in list(ring)[1:] if key_id not in done.key_ids]
    if spare:
        click.echo(f"Nothing is encrypted under {', '.join(spare)} any more: take it out of ENCRYPTION_KEYS.")
    return done


def _under_new_key(config: Config, database: Database) -> Resealed:
    with rotating_alone(config.data_dir):
        done = reseal_everything(database, Cipher(add_key(config.data_dir)))
        drop_keys(config.data_dir, done.key_ids)
    return done
