#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A web server that greets its visitors by name and host: hello.py PORT...

It has no library of portcred's: the kernel is asked, as it is about a unix socket.
"""

import http.server
import pwd
import socket
import struct
import sys
import threading

PORTCRED, PEER = 0x7063, 1  # the level and the option; portcred(3) has the record


def visitor(connection):
    """Who opened it, as "alice of web1"."""
    _, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    record = connection.getsockopt(PORTCRED, PEER, 80)
    host = record[16:].rstrip(b"\0").decode()
    return f"{pwd.getpwuid(uid).pw_name} of {host}"


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            name = visitor(self.connection)
        except (OSError, KeyError):  # nobody vouches; nobody has that uid here
            name = "stranger"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"Hello, {name}.\n".encode())


for port in sys.argv[1:]:
    server = http.server.ThreadingHTTPServer(("", int(port)), Hello)
    threading.Thread(target=server.serve_forever).start()
