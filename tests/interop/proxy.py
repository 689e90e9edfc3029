"""A TCP relay on loopback that can cut connections: between a client that is to lose its link and a server that
is to stay. Python's standard library only."""
import os
import selectors
import socket
import struct
import threading


class Proxy(threading.Thread):
    """Relays what comes to .port to the target port. cut() ends all connections with RST, as a router that forgot
    them would; while refuse is set, new ones are closed at once; while swallow is set, what comes is not passed
    on; cut_after: once so many more bytes came from the client, all are cut, once."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.refuse, self.swallow, self.cut_after = target, False, False, None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.tls_port = self.listener.getsockname()[1]
        self.peer = {}                              # each end of a connection: the other
        self.clients = set()                        # the ends that lead to clients
        self.orders, self.bell = [], os.pipe()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(self.bell[0], selectors.EVENT_READ)
        self.start()

    def cut(self):
        self.order(self.drop_all)

    def stop(self):
        self.order(self.drop_all)
        self.order(None)
        self.join()
        self.selector.close()
        self.listener.close()
        for fd in self.bell:
            os.close(fd)

    # what follows runs in the thread alone, but for order()

    def order(self, what):
        done = threading.Event()
        self.orders.append((what, done))
        os.write(self.bell[1], b"!")
        done.wait(10)

    def run(self):
        going = True
        while going:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fd != self.bell[0]:
                    self.relay(key.fileobj)
                elif os.read(self.bell[0], 1):
                    what, done = self.orders.pop(0)
                    going = what is not None
                    if what:
                        what()
                    done.set()
                    break                           # the other keys may be of closed sockets

    def accept(self):
        ours, _ = self.listener.accept()
        try:
            if self.refuse:
                raise OSError
            theirs = socket.create_connection(("127.0.0.1", self.target), 10)
        except OSError:
            ours.close()
            return
        for a, b in ((ours, theirs), (theirs, ours)):
            a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            a.settimeout(10)
            self.peer[a] = b
            self.selector.register(a, selectors.EVENT_READ)
        self.clients.add(ours)

    def relay(self, source):
        if source not in self.peer:
            return
        try:
            data = source.recv(65536)
            if data and not self.swallow:
                self.peer[source].sendall(data)
        except OSError:
            data = b""
        if not data:
            self.drop(source)
        elif self.cut_after is not None and source in self.clients:
            self.cut_after -= len(data)
            if self.cut_after <= 0:
                self.cut_after = None
                self.drop_all()

    def drop(self, end, hard=False):
        for s in (end, self.peer.pop(end)):
            self.peer.pop(s, None)
            self.clients.discard(s)
            self.selector.unregister(s)
            if hard:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()

    def drop_all(self):
        while self.peer:
            self.drop(next(iter(self.peer)), hard=True)
