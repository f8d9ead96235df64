"""What is done to a gateway under load: each fault is a function of a scene, and ends before the drain.

strace strikes at exact places: it counts the calls of one thread, and the commits have a thread of their own,
as have the sockets. With `-D` the gateway is our child, as it is without.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from tests.crash import tokens
from tests.crash.room import Filesystem, Quota, Room, why_not_mounted
from tests.crash.scene import Scene

_LOAD_S = 60.0
_DELAY_S = 0.1


def kill(scene: Scene) -> None:
    """kill -9 at a random moment, and in one of four runs once more while it recovers."""
    scene.open()
    scene.release(1)
    scene.start()
    _run_to(scene, scene.random.randrange(scene.plan.messages * 3 // 2))
    scene.gateway.kill()
    if scene.random.random() < 0.25:
        scene.launch()
        scene.run_for(scene.random.uniform(0.2, 2.0))
        scene.gateway.kill()


def fsync(scene: Scene) -> None:
    """kill -9 as the n-th fdatasync begins."""
    _strike(scene, "fdatasync")


def send(scene: Scene) -> None:
    """kill -9 as the n-th send begins."""
    _strike(scene, "sendto")


def full(scene: Scene) -> None:
    """No room on the disk for a third of the load; then there is room again."""
    _starve(scene, Filesystem(scene.folder))


def quota(scene: Scene) -> None:
    """No file may be written for a third of the load, which needs no privilege to bring about."""
    _starve(scene, Quota(lambda: scene.gateway.pid))


def slow(scene: Scene) -> None:
    """Every fdatasync takes 100 ms: later, but nothing sooner than it is on disk."""
    scene.delay_s = _DELAY_S
    scene.open()
    scene.release(1)
    scene.start(_under_strace(scene, "fdatasync", f"delay_enter={int(_DELAY_S * 1e6)}"))
    scene.run_until(lambda: scene.answered, _LOAD_S, "the load")


def stop(scene: Scene) -> None:
    """SIGSTOP of a carrier: its connections are there and silent; the other carrier's messages go on."""
    scene.open()
    scene.start()
    _send_all(scene, 1 / 3)
    account = scene.random.choice(tokens.ACCOUNTS)
    others = [other for other in tokens.ACCOUNTS if other != account]
    stopped = tokens.CARRIERS[account]
    cut = len(_unbound(scene, stopped))
    scene.signal_carrier(stopped, signal.SIGSTOP)
    scene.release(2 / 3)
    scene.run_until(lambda: _all_at_carrier(scene, others), _LOAD_S, "the others' messages at their carrier")
    scene.run_until(lambda: len(_unbound(scene, stopped)) >= cut + 2, _LOAD_S, "the end of silent binds")
    scene.signal_carrier(stopped, signal.SIGCONT)


def disconnect(scene: Scene) -> None:
    """The carriers hang up at every so many submits."""
    scene.drop_every = scene.random.randrange(15, 40)
    scene.open()
    scene.release(1)
    scene.start()
    scene.run_until(lambda: scene.idle, _LOAD_S, "the load")


FAULTS: Mapping[str, Callable[[Scene], None]] = {
    fault.__name__: fault for fault in (kill, fsync, send, full, quota, slow, stop, disconnect)
}

MOUNTED = frozenset({"full"})
"""Those whose scene needs a filesystem of its own."""

_TRACED = frozenset({"fsync", "send", "slow"})


def why_not(fault: str) -> str:
    """Why this fault cannot be had on this machine; "" if it can."""
    if fault in MOUNTED:
        return why_not_mounted()
    return _why_not_traced() if fault in _TRACED else ""


@cache
def _why_not_traced() -> str:
    if shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(
        ["strace", "-e", "trace=none", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"strace may not trace: {tried.stderr.strip()}"


def _strike(scene: Scene, call: str) -> None:
    """Let a signal end the gateway at a call; where it makes fewer than that, at the end of the load."""
    scene.open()
    scene.release(1)
    scene.launch(_under_strace(scene, call, f"signal=SIGKILL:when={scene.plan.nth}"))
    scene.run_until(lambda: scene.answered or not scene.gateway.is_running, _LOAD_S, "the load, or its end")
    scene.struck = not scene.gateway.is_running
    scene.gateway.kill()


def _under_strace(scene: Scene, call: str, injection: str) -> list[str | Path]:
    log = scene.folder / "strace"
    what: list[str | Path] = ["-e", f"trace={call}", "-e", f"inject={call}:{injection}", "-o", log]
    return ["strace", "-D", "-f", "-qq", *what]


def _starve(scene: Scene, room: Room) -> None:
    scene.open()
    scene.start()
    _send_all(scene, 1 / 3)
    room.fill()
    before = len(scene.notes.accepted)
    _send_all(scene, 2 / 3)
    during = len(scene.notes.accepted) - before
    if not scene.gateway.is_running:
        scene.flaws.append("the gateway did not outlive a full disk")
        return
    room.clear()
    _send_all(scene, 1)
    after = len(scene.notes.accepted) - before - during
    # What was under way may have taken the last room.
    if after <= during:
        scene.flaws.append(f"accepted {during} while the disk was full, and {after} when it was not")


def _run_to(scene: Scene, progress: int) -> None:
    scene.run_until(lambda: scene.answered or scene.progress >= progress, _LOAD_S, "the load")


def _send_all(scene: Scene, share: float) -> None:
    """Let a share of the load go, and wait for its answers."""
    scene.release(share)
    scene.run_until(lambda: scene.idle, _LOAD_S, "the answers")


def _all_at_carrier(scene: Scene, accounts: list[str]) -> bool:
    """Whether these accounts' customers have all receipts that they can have."""
    notes = scene.notes
    mine = [a for token, a in notes.accepted.items() if tokens.account_of(token) in accounts]
    idle = all(scene.customers[account].idle for account in accounts)
    return idle and all(answer.message_id in notes.receipts for answer in mine)


def _unbound(scene: Scene, carrier: str) -> list[str]:
    binds = [event["bind"] for event in scene.events("carrier.unbound")]
    return [bind for bind in binds if bind.startswith(f"{carrier}/")]
