"""What every route reaches: the services and the settings the application was made with."""

import msgspec
from flask import current_app

from chatapp.config import Config
from chatapp.services.answering import Answering
from chatapp.services.conversations import Conversations
from chatapp.services.memory import Memory
from chatapp.services.model_directory import ModelDirectory
from chatapp.services.runs import Runs
from chatapp.services.threads import Threads


class Services(msgspec.Struct, frozen=True):
    """The use cases of this application."""

    answering: Answering
    conversations: Conversations
    directory: ModelDirectory
    memory: Memory
    runs: Runs
    threads: Threads


def services() -> Services:
    found: Services = current_app.extensions["services"]
    return found


def config() -> Config:
    found: Config = current_app.extensions["config"]
    return found
