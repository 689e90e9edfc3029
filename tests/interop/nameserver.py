"""nameserver.py: finding the server by a real name server, dnsmasq, on loopback. Part of run.py."""
import os
import socket
import struct
import subprocess
import sys
import time

import servers

run = sys.modules["__main__"]


class NameServer:
    """dnsmasq that knows what it is told, and that there is nothing else below "test"."""

    def __init__(self, place, *records):
        self.port = free_port()
        self.log = os.path.join(place.dir, "dnsmasq-%d.log" % self.port)
        self.child = place.spawn(
            ["/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts",
             "--listen-address=127.0.0.1", "--bind-interfaces", "--port=%d" % self.port, "--local=/test/",
             "--log-queries", "--log-facility=" + self.log] + ["--" + r for r in records],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + run.PATIENCE
        while not answers(self.port):
            run.expect(time.monotonic() < deadline and self.child.poll() is None, "dnsmasq does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def asked(self):
        """The questions in their order, as "SRV name"."""
        with open(self.log, errors="replace") as f:
            queries = [line.split("query[")[1].split() for line in f if "query[" in line]
        return ["%s %s" % (q[0].rstrip("]"), q[1]) for q in queries if q[1] != "ready.test"]


def free_port():
    """A port that is free for UDP and TCP."""
    while True:
        port = servers.free_ports(1)[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def answers(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        try:
            s.connect(("127.0.0.1", port))
            s.send(struct.pack("!6H", 1, 256, 1, 0, 0, 0) + b"\5ready\4test\0" + struct.pack("!2H", 1, 1))
            return len(s.recv(512)) > 12
        except OSError:
            time.sleep(0.05)
            return False


def found(place, name_server, *options, jid="alice@xmpp.test"):
    """An account whose server has to be found."""
    where = name_server if isinstance(name_server, str) else "127.0.0.1:%d" % name_server.port
    return run.Account(place, None, None, jid, options=("--dns", where) + options)


def srv(service, target, port, priority=0, weight=0, domain="xmpp.test"):
    return "srv-host=_%s._tcp.%s,%s,%d,%d,%d" % (service, domain, target, port, priority, weight)


def logs_in_at(account, port):
    e = run.online(account.run("info"))
    run.expect(e["tls"], "no TLS?")
    run.expect((e["address"], e["port"]) == ("127.0.0.1", port), "connected to %s port %s" % (e["address"], e["port"]))


HOST = "host-record=chat.hosts.test,127.0.0.1"
BOTH = ["SRV _xmpps-client._tcp.xmpp.test", "SRV _xmpp-client._tcp.xmpp.test"]


def direct(place, server):
    with NameServer(place, HOST, srv("xmpps-client", "chat.hosts.test", server.tls_port, 1),
                    srv("xmpp-client", "chat.hosts.test", server.port, 2)) as dns:
        logs_in_at(found(place, dns), server.tls_port)
        run.expect(dns.asked() == BOTH + ["AAAA chat.hosts.test", "A chat.hosts.test"], "it asked %s" % dns.asked())
        logs_in_at(found(place, dns, "--tls", "starttls"), server.port)


def starttls(place, server):
    with NameServer(place, HOST, srv("xmpps-client", "chat.hosts.test", server.tls_port, 2),
                    srv("xmpp-client", "chat.hosts.test", server.port, 1)) as dns:
        logs_in_at(found(place, dns), server.port)
        logs_in_at(found(place, dns, "--tls", "direct"), server.tls_port)


def passed_over(place, server):
    """A target without an address, one that refuses, IPv6 where nobody listens, an alias."""
    with NameServer(place, "host-record=refuses.hosts.test,127.0.0.1", "host-record=chat.hosts.test,127.0.0.1,::1",
                    "cname=alias.hosts.test,chat.hosts.test",
                    srv("xmpps-client", "none.hosts.test", server.tls_port, 1),
                    srv("xmpps-client", "refuses.hosts.test", servers.free_ports(1)[0], 2),
                    srv("xmpp-client", "refuses.hosts.test", servers.free_ports(1)[0], 2),
                    srv("xmpp-client", "alias.hosts.test", server.port, 3)) as dns:
        logs_in_at(found(place, dns), server.port)
        run.expect("AAAA none.hosts.test" in dns.asked() and "A refuses.hosts.test" in dns.asked(), "%s" % dns.asked())


def not_offered(place):
    with NameServer(place, "host-record=xmpp.test,127.0.0.1", "srv-host=_xmpps-client._tcp.xmpp.test",
                    "srv-host=_xmpp-client._tcp.xmpp.test") as dns:
        run.refused(found(place, dns), run.CONNECTION, "offers no XMPP", "_xmpp-client._tcp.xmpp.test")
        run.expect(dns.asked() == BOTH, "it asked %s" % dns.asked())


def no_records(place):
    with NameServer(place, "host-record=xmpp.test,127.0.0.1") as dns:
        run.refused(found(place, dns), run.CONNECTION, "127.0.0.1 port 5222")
        run.expect(dns.asked() == BOTH + ["AAAA xmpp.test", "A xmpp.test"], "it asked %s" % dns.asked())
        run.refused(found(place, dns, jid="alice@no.such.test"), run.CONNECTION, "no address", "no.such.test")


def cut(place, server):
    """More records than a datagram holds: the one that works, the best, is among those that TCP brings."""
    many = [srv("xmpp-client", "a-host-of-which-nobody-ever-heard-%02d.hosts.test" % i, 1, 90 - i) for i in range(40)]
    with NameServer(place, HOST, srv("xmpp-client", "chat.hosts.test", server.port, 1), *many) as dns:
        logs_in_at(found(place, dns), server.port)
        run.expect(dns.asked().count(BOTH[1]) == 2, "it asked %s" % dns.asked())


def dead_name_servers(place, server):
    """Nobody at the first, silence at the second."""
    with NameServer(place, HOST, srv("xmpp-client", "chat.hosts.test", server.port)) as dns, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        logs_in_at(found(place, "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d" % (free_port(), mute.getsockname()[1], dns.port)),
                   server.port)
    run.refused(found(place, "127.0.0.1:%d" % free_port()), run.CONNECTION, "no answer from a name server")


def host_given(place, server):
    """No SRV records are asked for, but the address is."""
    with NameServer(place, HOST, srv("xmpp-client", "none.hosts.test", 1, domain="chat.hosts.test")) as dns:
        logs_in_at(found(place, dns, "--host", "chat.hosts.test", "--port", str(server.port)), server.port)
        run.expect(dns.asked() == ["AAAA chat.hosts.test", "A chat.hosts.test"], "it asked %s" % dns.asked())


def other_name(place, liar):
    """The certificate is for the SRV record's target: that is not whom the account belongs to."""
    with NameServer(place, "host-record=wrong.example,127.0.0.1", srv("xmpps-client", "wrong.example", liar.tls_port, 1),
                    srv("xmpp-client", "wrong.example", liar.port, 2)) as dns:
        for tls in ((), ("--tls", "starttls"), ("--tls", "direct")):
            run.refused(found(place, dns, *tls), run.TLS, "wrong\\.example", "xmpp\\.test")


def all_tests(s, place, server, liar):
    s.test("dns: by SRV, TLS first", direct, place, server)
    s.test("dns: by SRV, STARTTLS first", starttls, place, server)
    s.test("dns: what does not work is passed over", passed_over, place, server)
    s.test("dns: \".\" means not offered", not_offered, place)
    s.test("dns: no SRV records, no name", no_records, place)
    s.test("dns: an answer that was cut", cut, place, server)
    s.test("dns: dead name servers", dead_name_servers, place, server)
    s.test("dns: a host that is given", host_given, place, server)
    s.test("dns: the target's certificate is not the domain's", other_name, place, liar)
