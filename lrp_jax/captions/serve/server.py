"""The HTTP server: one address, one thread per request, until it is interrupted."""

import contextlib
import ipaddress
import logging
import socket
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from lrp_jax.captions.serve.app import Application


class Server:
    """Serves an application over HTTP; a context manager that frees the port on exit.

    Args:
      application: the WSGI application.
      host: the address or host name to listen on.
      port: 0 for any free port.

    Raises:
      OSError: the port is in use, or the address does not belong to this machine.

    Example:
      >>> with Server(application, "127.0.0.1", 0) as server:  # doctest: +SKIP
      ...     print(server.address)
      ...     server.run()
    """

    def __init__(self, application: Application, host: str, port: int):
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Bound here, because werkzeug exits the process if the port is in use.
        with socket.create_server((host, port), family=family) as bound:
            self._server = make_server(
                host, port, application, threaded=True, request_handler=_Handler, fd=bound.fileno()
            )
        self._host = host

    @property
    def address(self) -> str:
        """The URL to open in the browser."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_local(self._host)

    def run(self) -> None:
        """Answers requests until Ctrl-C, or until another thread calls `stop`."""
        with contextlib.suppress(KeyboardInterrupt):
            self._server.serve_forever()

    def stop(self) -> None:
        """Ends `run`, which runs in another thread."""
        self._server.shutdown()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self._server.server_close()


def is_local(host: str) -> bool:
    """Whether a server at `host` can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Handler(WSGIRequestHandler):
    timeout = 60  # seconds without data after which a request is dropped

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger(__name__).debug(message, *args)
