# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC over TCP at the level of bytes, for what no client library would send: frames cut anywhere, too large, or wrong."""
import socket
import struct
import time

from servers import SLOW

END, ESC = b"\xc0", b"\xdb"


def padded(text):
    return text + b"\0" * (4 - len(text) % 4)


def message(address, tags="", *values):
    """tags None: without a type tag string, as old clients send."""
    out = padded(address.encode())
    if tags is None:
        return out
    out += padded(b"," + tags.encode())
    values = iter(values)
    for tag in tags:
        if tag in "TFNI":
            continue
        value = next(values)
        out += padded(value.encode()) if tag == "s" else struct.pack({"f": ">f", "i": ">i", "d": ">d", "h": ">q"}[tag], value)
    return out


def slip(packet):
    return END + packet.replace(ESC, ESC + b"\xdd").replace(END, ESC + b"\xdc") + END


def bare_slip(packet):
    """Without the first END."""
    return slip(packet)[1:]


def counted(packet):
    return struct.pack(">i", len(packet)) + packet


def read_message(data):
    """(address, values) of a message."""
    def text(at):
        end = data.index(b"\0", at)
        return data[at:end].decode(), (end // 4 + 1) * 4
    address, at = text(0)
    tags, at = text(at)
    values = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = text(at)
        elif tag in "if":
            value, at = struct.unpack(">" + tag, data[at:at + 4])[0], at + 4
        elif tag in "hd":
            value, at = struct.unpack(">q" if tag == "h" else ">d", data[at:at + 8])[0], at + 8
        elif tag == "b":
            size = struct.unpack(">i", data[at:at + 4])[0]
            value, at = data[at + 4:at + 4 + size], at + 4 + (size + 3) // 4 * 4
        else:
            value = {"T": True, "F": False}.get(tag)
        values.append(value)
    return address, values


def messages(packet):
    if not packet.startswith(b"#bundle\0"):
        return [read_message(packet)]
    found, at = [], 16
    while at < len(packet):
        size = struct.unpack(">i", packet[at:at + 4])[0]
        found += messages(packet[at + 4:at + 4 + size])
        at += 4 + size
    return found


class Stream:
    """One TCP connection. What comes back must be framed as what was sent."""

    def __init__(self, port, frame=slip):
        self.frame = frame
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.data = b""
        self.heard = []

    def write(self, data):
        self.socket.sendall(data)

    def send(self, address, tags="", *values):
        self.write(self.frame(message(address, tags, *values)))

    def take(self):
        """Whole packets off the front of what has come."""
        if self.frame is counted:
            while len(self.data) >= 4 and len(self.data) >= 4 + struct.unpack(">i", self.data[:4])[0]:
                size = struct.unpack(">i", self.data[:4])[0]
                self.heard += messages(self.data[4:4 + size])
                self.data = self.data[4 + size:]
            return
        while self.data.count(END) >= 2:
            assert self.data[:1] == END
            packet, self.data = self.data[1:].split(END, 1)
            self.heard += messages(packet.replace(ESC + b"\xdc", END).replace(ESC + b"\xdd", ESC))

    def read(self, seconds):
        """False once the other side has closed."""
        self.socket.settimeout(seconds)
        try:
            more = self.socket.recv(65536)
        except socket.timeout:
            return True
        except ConnectionResetError:
            return False
        self.data += more
        self.take()
        return bool(more)

    def wait(self, address, seconds=2.0):
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            for i, (path, values) in enumerate(self.heard):
                if path == address:
                    del self.heard[i]
                    return values
            assert self.read(0.05), f"closed; heard {self.heard}"
        raise AssertionError(f"nothing came at {address}; heard {self.heard}")

    def closed(self, seconds=2.0):
        """The other side has closed, or does so in time."""
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            if not self.read(0.05):
                return True
        return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
