#!/usr/bin/python3
"""fleet.py [prosody|ejabberd] [N]: build/fleet, N devices (2,000) in one process, against a real server: they log in,
report; all links are cut, and all sessions resumed; the server is killed and comes back, and so do all of them,
spread as the jitter says. Then some with TLS. Prints the figures. `make fleet` runs it; run.py does the same with few."""
import os
import queue
import re
import resource
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import servers                                      # noqa: E402
from proxy import Proxy                             # noqa: E402

SECOND = re.compile(r"(\d+) s: (\d+) up, (\d+) logins \((\d+) new, (\d+) resumed\), (\d+) stanzas, (\d+) lost")
BUDGET = 4096                                       # bytes of a session without TLS, buffers included


class Failure(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failure(words)


class Fleet:
    """build/fleet as a child; seconds: what it printed of each."""

    def __init__(self, place, port, count, *options, tls="none"):
        self.count, self.lines, self.seconds, self.words = count, queue.Queue(), [], []
        self.child = place.spawn(
            [os.path.join(TOP, "build", "fleet"), str(count), "device%d@xmpp.test", "--host", "127.0.0.1",
             "--port", str(port), "--tls", tls, "--ca", place.certs["ca"].crt] + [str(o) for o in options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, XMPP_PASSWORD="secret"))
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.put(line.decode(errors="replace").strip())
        self.lines.put(None)

    def next_second(self, patience=15):
        """The next line about a second, as numbers: second, up, logins, new, resumed, stanzas, lost."""
        while True:
            try:
                line = self.lines.get(timeout=patience)
            except queue.Empty:
                raise Failure("it says nothing any more: " + self.said())
            if line is None:
                raise Failure("it ended: " + self.said())
            m = SECOND.match(line)
            if m:
                self.seconds.append([int(n) for n in m.groups()])
                return self.seconds[-1]
            self.words.append(line)

    def until_up(self, count, patience):
        """Runs until so many are up; returns the seconds that took, as next_second gives them."""
        taken, deadline = [], time.monotonic() + patience
        while not taken or taken[-1][1] != count:
            expect(time.monotonic() < deadline,
                   "%d of %d up after %d s" % (taken[-1][1] if taken else 0, count, patience))
            taken.append(self.next_second())
        return taken

    def leave(self):
        """Ends it in order; returns its last words."""
        self.child.terminate()
        status = self.child.wait(60)
        self.thread.join(10)
        while True:
            line = self.lines.get()
            if line is None:
                break
            if not SECOND.match(line):
                self.words.append(line)
        expect(status == 0, "exit status %d: %s" % (status, self.said()))
        return self.said()

    def said(self):
        return "\n".join(self.words[-12:])

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


def session_size(words):
    return int(re.search(r"memory of a session: (\d+) bytes", words)[1])


def histogram(seconds, width=60):
    """Logins of each second that had some, as bars."""
    most = max(s[2] for s in seconds) or 1
    return "\n".join("%5d s %5d %s" % (s[0] - seconds[0][0], s[2], "#" * (s[2] * width // most))
                     for s in seconds if s[2] > 0)


def spread(seconds, count, retry):
    """No login storm: no second has more than three times what an even spread over the first delay would have."""
    most = max(s[2] for s in seconds)
    expect(most <= 3 * count / retry + 10, "%d logins in one second; spread evenly over %d s it were %d"
           % (most, retry, count // retry))


def cut_and_resumed(links, fleet, patience):
    """Cuts all links; returns the seconds until all were resumed."""
    links.cut()
    seconds, deadline = [], time.monotonic() + patience
    while sum(s[4] for s in seconds) < fleet.count:
        expect(time.monotonic() < deadline, "%d of %d resumed" % (sum(s[4] for s in seconds), fleet.count))
        seconds.append(fleet.next_second())
    return seconds + fleet.until_up(fleet.count, patience)


def killed_and_back(server, fleet, retry, away=2):
    """Kills the server; returns the seconds until all of the fleet were back."""
    server.kill()
    down = fleet.until_up(0, 20)
    time.sleep(away)
    server.relaunch()
    server.wait_ready()
    back = fleet.until_up(fleet.count, 6 * retry + 60)
    return down[-1:] + back


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else "prosody"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    retry, with_tls = 20, min(count, 200)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))    # the server's too
    with servers.Place() as place:
        make = {"prosody": servers.Prosody, "ejabberd": servers.Ejabberd}[kind]
        server = make(place, devices=count, **({"store": "scram"} if kind == "ejabberd" else {})).start()
        print("%d sessions on one %s, SCRAM-SHA-1, no TLS" % (count, kind), flush=True)
        links = Proxy(server.port)
        fleet = Fleet(place, links.port, count, "--rate", 150, "--report", 30, "--retry", retry)
        try:
            seconds = fleet.until_up(count, 120)
            print("  all up after %d s; most logins in a second: %d"
                  % (seconds[-1][0], max(s[2] for s in seconds)), flush=True)
            steady = [fleet.next_second() for _ in range(30)]
            print("  then, each reporting every 30 s: %d stanzas a second"
                  % (sum(s[5] for s in steady) / 30), flush=True)
            back = cut_and_resumed(links, fleet, 6 * retry)
            print("  all links cut, all resumed after %d s, most in a second: %d" % (back[-1][0] - back[0][0],
                  max(s[4] for s in back)), flush=True)
            spread(back, count, retry)
            back = killed_and_back(server, fleet, retry)
            print("  server killed, back, all up again after %d s; first delay up to %d s. Logins by second:\n%s"
                  % (back[-1][0] - back[0][0], retry, histogram(back)), flush=True)
            spread(back, count, retry)
            words = fleet.leave()
            print("  " + words.replace("\n", "\n  "), flush=True)
            expect(session_size(words) <= BUDGET, "a session takes more than %d bytes" % BUDGET)
        finally:
            fleet.stop()
            links.stop()
        print("%d sessions inside TLS (direct)" % with_tls, flush=True)
        fleet = Fleet(place, server.tls_port, with_tls, "--rate", 40, "--report", 10, "--retry", retry, tls="direct")
        try:
            seconds = fleet.until_up(with_tls, 120)
            print("  all up after %d s" % seconds[-1][0], flush=True)
            fleet.next_second()
            print("  " + fleet.leave().replace("\n", "\n  "), flush=True)
        finally:
            fleet.stop()


if __name__ == "__main__":
    try:
        main()
    except Failure as error:
        sys.exit("FAIL " + str(error))
