# SPDX-License-Identifier: MIT
"""The control socket of a host's portcredd, spoken to as root: varlink without a library.

    {"method": "io.portcred.Reload", "parameters": {}} NUL  -->
                                       <--  {"parameters": {...}} NUL   or   {"error": ...} NUL
"""

import json
import os
import select
import socket
import time

import place

INTERFACE = "io.portcred"


class Refused(Exception):
    """The daemon answered with an error: `error` without the interface, and its parameters."""

    def __init__(self, error, parameters):
        super().__init__(error, parameters)
        self.error = error
        self.parameters = parameters


class Connection:
    def __init__(self, host, uid=0):
        """@uid: whom the daemon takes us for, SO_PEERCRED being what connect(2) was called as; None: who
        we are."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.descriptors = []  # that came with answers, the caller's to close
        if uid is not None:
            os.seteuid(uid)
        try:
            self._socket.connect(str(host.runtime / "control"))
        finally:
            if uid is not None:
                os.seteuid(0)
        self._data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, method, more=False, **parameters):
        message = {"method": f"{INTERFACE}.{method}", "parameters": parameters}
        if more:
            message["more"] = True
        self._socket.sendall(json.dumps(message).encode() + b"\0")

    def send_with(self, descriptors, method, **parameters):
        message = {"method": f"{INTERFACE}.{method}", "parameters": parameters}
        socket.send_fds(self._socket, [json.dumps(message).encode() + b"\0"], descriptors)

    def send_bytes(self, data):
        self._socket.sendall(data)

    def closed(self, timeout=place.TIMEOUT):
        """Whether the daemon hangs up in time, without a word."""
        readable = select.select([self._socket], [], [], timeout)[0]
        try:
            return bool(readable) and not self._socket.recv(1)
        except ConnectionResetError:
            return True

    def receive(self, timeout=place.TIMEOUT):
        """The parameters of the next reply; TimeoutError if none comes."""
        deadline = time.monotonic() + timeout
        while b"\0" not in self._data:
            if not select.select([self._socket], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no message from portcredd in {timeout} s")
            more, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 4)
            self.descriptors += descriptors
            if not more:
                raise ConnectionError("portcredd has closed the connection")
            self._data += more
        message, _, self._data = self._data.partition(b"\0")
        reply = json.loads(message)
        if "error" in reply:
            raise Refused(reply["error"].removeprefix(f"{INTERFACE}."), reply.get("parameters"))
        return reply.get("parameters", {})


def call(host, method, **parameters):
    with Connection(host) as connection:
        connection.send(method, **parameters)
        return connection.receive()


def call_as(host, uid, method, **parameters):
    with Connection(host, uid) as connection:
        connection.send(method, **parameters)
        return connection.receive()


def bind(host, port, protocol="tcp", address="0.0.0.0", **parameters):
    """In the process of who asks, and as him: the socket that portcredd has bound for him."""
    with Connection(host, None) as connection:
        connection.send("Bind", protocol=protocol, address=address, port=port, **parameters)
        index = connection.receive()["fd"]
        return socket.socket(fileno=connection.descriptors[index])


def status(host, timeout=place.TIMEOUT):
    with Connection(host) as connection:
        connection.send("GetStatus")
        return connection.receive(timeout)


def put(host, policy, **parameters):
    """Puts a policy in force; returns what Reload replies, raises Refused."""
    host.write_policy(policy)
    return call(host, "Reload", **parameters)


class Watch(Connection):
    """Events from now on; @uid: as in Connection."""

    def __init__(self, host, uid=0):
        super().__init__(host, uid)
        self.send("Watch", more=True)
        self.receive()  # the first has no event: from here on, none is missed

    def event(self, timeout=place.TIMEOUT, **expected):
        """The next event with these members; others before it are skipped."""
        return self._next("event", timeout, expected)

    def held(self, timeout=place.TIMEOUT, **expected):
        """The same of counts of what a flood kept back."""
        return self._next("held", timeout, expected)

    def _next(self, kind, timeout, expected):
        deadline = time.monotonic() + timeout
        skipped = []
        while True:
            try:
                event = self.receive(max(0, deadline - time.monotonic())).get(kind)
            except TimeoutError:
                raise TimeoutError(f"no {kind} {expected}; there were {skipped}") from None
            if event is None:
                continue
            if all(event[name] == value for name, value in expected.items()):
                return event
            skipped.append(event)
