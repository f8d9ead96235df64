"""What the protocol package raises besides ValueError, which means that our own side misused it."""

from __future__ import annotations


class PduError(Exception):
    """The peer sent a malformed PDU.

    `command_status` is the answer it deserves, `reason` is for logs. `fatal` says that framing is lost: the
    stream cannot be read any further and the connection must be closed.
    """

    def __init__(self, command_status: int, reason: str, *, fatal: bool = False) -> None:
        super().__init__(command_status, reason)
        self.command_status = command_status
        self.reason = reason
        self.fatal = fatal


class WindowFull(Exception):
    """As many own requests are outstanding as the window allows."""
