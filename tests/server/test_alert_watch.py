"""`alerts yes`: the server looks at itself, and tells the log, a channel and a webhook."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pyredmem.server import alert_watch
from pyredmem.server.alert_watch import AlertWatch, Webhook
from pyredmem.server.logs import Log
from tests.server.processes import environment, on_port, run, wait_until
from tests.support.servers import free_port
from tests.support.wire import Array, Bulk, Wire
from tests.support.world import World

MANY = """
[[alert]]
name = "ManyKeys"
if = "{metric} > 2"
measured = "There are {{value:.0f}} changes."
meaning = "Too many."
advice = "Save."
"""


class Receiver:
    """An HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Write nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


def written(directory: Path, metric: str = "redis_rdb_changes_since_last_save") -> str:
    path = directory / "alerts.toml"
    path.write_text(MANY.format(metric=metric))
    return str(path)


def test_the_log_a_channel_and_a_webhook_are_told(tmp_path: Path, receiver: Receiver) -> None:
    options = ("--alerts", "yes", "--alerts-file", written(tmp_path), "--alerts-webhook", receiver.url, "--save", "")
    with on_port(tmp_path, *options) as (process, port), Wire(port) as wire, Wire(port) as subscriber:
        subscriber.do("SUBSCRIBE", "__redis__:alert")
        for number in range(3):
            wire.do("SET", f"key:{number}", "x")
        process.wait_for_line("Alert ManyKeys (warning): There are 3 changes. Too many.")
        message = subscriber.receive()
        assert isinstance(message, Array)
        assert isinstance(message.items[2], Bulk)
        told = json.loads(message.items[2].data)
        assert (told["alert"], told["state"], told["value"], told["advice"]) == ("ManyKeys", "firing", 3, "Save.")
        wire.do("SAVE")
        process.wait_for_line("Alert ManyKeys is over.")
        wait_until(lambda: len(receiver.received) == 2, "both events at the webhook")
        assert receiver.received[0] == told
        assert receiver.received[1]["state"] == "resolved"


def test_a_table_that_cannot_be_used_ends_the_server(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("[[alert]]\nname = 'x'\n")
    for name in (str(path), str(tmp_path / "missing")):
        ended = run("--port", str(free_port()), "--alerts", "yes", "--alerts-file", name, "--save", "", cwd=tmp_path)
        assert ended.returncode == 1
        assert f"alerts-file {name} cannot be used: " in ended.stdout


def test_a_server_without_the_setting_loads_nothing_of_it() -> None:
    code = "import sys, pyredmem.server.app; print([name for name in sys.modules if 'alert' in name])"
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


# Without a process.


def test_an_alert_is_told_once_while_it_goes_on(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    log = Log()
    monkeypatch.setattr(log, "warning", lines.append)
    monkeypatch.setattr(log, "notice", lines.append)
    settings = World(alerts_file=written(tmp_path, "redis_connected_clients + 3")).engine.settings
    watch = AlertWatch(world.engine, settings, log)
    for _ in range(5):
        world.advance(1000)
        watch.look()
    assert lines == ["Alert ManyKeys (warning): There are 4 changes. Too many."]


def test_a_webhook_that_fails_is_reported_and_the_next_event_is_posted(receiver: Receiver) -> None:
    warnings: list[str] = []
    dead = Webhook(f"http://127.0.0.1:{free_port()}/", warnings.append)
    dead.send(b"{}")
    wait_until(lambda: bool(warnings), "a warning")
    assert "failed: " in warnings[0]
    dead.close()
    webhook = Webhook(receiver.url, warnings.append)
    for number in range(3):
        webhook.send(json.dumps({"number": number}).encode())
    webhook.close()
    webhook._thread.join(20)
    assert receiver.received == [{"number": number} for number in range(3)]


def test_what_a_webhook_that_hangs_does_not_take_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    warnings: list[str] = []
    monkeypatch.setattr(Webhook, "_post", lambda webhook, message: goes_on.wait(20))
    webhook = Webhook("http://example.invalid/", warnings.append)
    for _ in range(alert_watch._MOST_WAITING + 5):
        webhook.send(b"{}")
    assert warnings
    assert "is lost to it" in warnings[-1]
    webhook.close()
    goes_on.set()
