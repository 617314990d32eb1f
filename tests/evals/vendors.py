"""Vendors for tests: a real server on the loopback address, and systems that fail when they are told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

STEPS = "Your device certificate has expired.\n1. Join the wired network.\n2. Run Sync."


@dataclass
class Answered:
    """What the server sends back."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


@dataclass
class Vendor:
    """A served vendor, and what it was sent."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def chat(text: str, tokens: tuple[int, int] = (100, 50)) -> dict[str, object]:
    """A reply in the shape of OpenAI's chat completions."""
    return {
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }


@contextmanager
def vendor(answer: Callable[[dict[str, Any], int], Answered]) -> Iterator[Vendor]:
    """Serve `answer(body, number of the call)`."""
    known = Vendor("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is the library's
            length = int(self.headers["Content-Length"])
            known.received.append(json.loads(self.rfile.read(length)))
            known.headers.append(dict(self.headers))
            known.times.append(time.monotonic())
            reply = answer(known.received[-1], len(known.received))
            time.sleep(reply.after)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except BrokenPipeError:
                return

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def written(folder: Path, name: str, **told: object) -> Path:
    """A system's configuration as a file."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")
    return path


def http(folder: Path, url: str, **more: object) -> Path:
    """A vendor of the chat shape that retries without waiting."""
    told: dict[str, object] = {
        "kind": "http",
        "url": url,
        "request": {"messages": ["{{...turns}}"]},
        "reply": {"text": "$.choices[0].message.content"},
        "retries": {"times": 2, "first_wait_seconds": 0.01},
    }
    return written(folder, "vendor", **{**told, **more})
