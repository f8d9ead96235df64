"""A writer at work: its commits held back, its answers kept, and a reader that sees what is committed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.store.engine import connect
from gateway.store.writer import Job, Writer
from tests.gateway.store.commits import HeldCommits


class Desk:
    """A writer of notes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reactor = Clock()
        self.engine = connect(path, busy_timeout_s=0.0)
        self.commits = HeldCommits()
        self.transactions: list[float] = []
        self.writer = Writer(self.reactor, self.engine, self.commits, self.transactions.append)
        self.answers: dict[str, Any] = {}
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE note (body TEXT PRIMARY KEY)"))

    def run(self, name: str, job: Job[Any] | None = None, first: bool = False) -> Deferred[Any]:
        """Queue a job; its answer, or what it raised, will be under its name."""
        done = self.writer.run(job or writing(name), first=first)

        def keep(answer: Any) -> None:
            self.answers[name] = answer.value if isinstance(answer, Failure) else answer

        return done.addBoth(keep)

    def turn(self, seconds: float = 0.0) -> None:
        self.reactor.advance(seconds)

    def settle(self) -> None:
        """Let everything finish, commits included."""
        self.turn()
        while len(self.commits):
            self.commits.release()
            self.turn()

    def stored(self) -> list[str]:
        """What another process sees."""
        reader = sqlite3.connect(self.path, timeout=0)
        rows = reader.execute("SELECT body FROM note ORDER BY body").fetchall()
        reader.close()
        return [body for (body,) in rows]

    def close_now(self) -> list[None]:
        """Close the writer; the list is [None] from when it is closed."""
        closed: list[None] = []
        self.writer.close().addCallback(closed.append)
        return closed


def writing(body: str) -> Job[str]:
    """A job that stores a note and answers with it."""

    def job(connection: Connection) -> str:
        connection.execute(text("INSERT INTO note VALUES (:body)"), {"body": body})
        return body

    return job


def failing(body: str) -> Job[None]:
    """A job that stores a note and then fails."""

    def job(connection: Connection) -> None:
        writing(body)(connection)
        raise ValueError(body)

    return job
