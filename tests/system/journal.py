# SPDX-License-Identifier: MIT
"""A journal, as far as a daemon can tell: the socket that sd_journal_send(3) writes to."""

import pathlib
import socket

import place

SOCKET = pathlib.Path("/run/systemd/journal/socket")


class Journal:
    """There for as long as the block lasts; /run is this session's own (hosts.prepare())."""

    def __enter__(self):
        SOCKET.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(SOCKET))
        SOCKET.chmod(0o666)  # as systemd-journald.socket has it
        return self

    def __exit__(self, *_):
        SOCKET.unlink()
        self._socket.close()

    def entry(self, timeout=place.TIMEOUT):
        """The next entry's fields, but for those that say where in the source it was written."""
        self._socket.settimeout(timeout)
        lines = self._socket.recv(65536).decode().splitlines()
        fields = dict(line.split("=", 1) for line in lines)
        return {name: fields[name] for name in fields if not name.startswith("CODE_")}
