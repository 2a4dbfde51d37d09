"""The embedded AWS over HTTP."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOST = "127.0.0.1"


class _OneAtATime:
    """Answers one request at a time, since moto's memory is not made for threads."""

    def __init__(self, unsupported: Sequence[str]) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()
        self._unsupported = unsupported
        self._said = 0

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answer a request as a whole."""
        with self._lock:
            answer = list(self._application(environ, start_response))
            for kind in self._unsupported[self._said :]:
                print(f"{kind} is not known, and was not created", file=sys.stderr)
            self._said = len(self._unsupported)
        return answer


def run(port: int, unsupported: Sequence[str]) -> None:
    """Serve at a port, 0 for any that is free, until SIGTERM or SIGINT."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(_HOST, port, _OneAtATime(unsupported), threaded=True)

    def end(*_: Any) -> None:
        # The server waits for its loop to end, which is what the signal has interrupted.
        Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    print(f"http://{_HOST}:{server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()
