"""What run.py runs of examples/firmware/lwip: the image of QEMU's lm3s6965evb against Prosody, the network broken in every
way that a device meets, and the host tests of its transport and driver. 10.0.2.2 is the host's loopback."""
import os
import random
import re
import socket
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30
BACK = 90           # seconds until it is back: a silent link is found by a ping, and SYN is sent again 3, 9 and 21 s later
RAM = 65536
USERS = {"sensor": "secret"}
CUT_OFF = {"PING_MS": 3000, "ANSWER_MS": 6000}        # a busy machine must not look like a dead link


def expect(h, condition, words):
    if not condition:
        raise h.Failure(words)


class Device:
    """An image, running. port: of the host; nic: QEMU's network; more: of device_config.h."""

    def __init__(self, h, name, port, cpu="cortex-m3", nic="user,model=stellaris,id=lan", start=False, variables=(), **more):
        self.h, self.jid = h, "sensor@xmpp.test/" + name
        config = h.config("lwip-" + name, JID=self.jid, HOST='"10.0.2.2"', PORT=port,
                          TLS="XMPP_TLS_START" if start else "XMPP_TLS_DIRECT", **more)
        self.elf = h.build("lwip", "lwip-" + name, config, "CPU_NAME=" + cpu, *variables,
                           out="-".join(["lwip", cpu] + [v.replace("=", "") for v in variables]))
        self.monitor_path = os.path.join(h.place.dir, "monitor-" + name)
        nics = nic if isinstance(nic, list) else ["-nic", nic]
        self.board = h.boot(["qemu-system-arm", "-M", "lm3s6965evb", "-cpu", cpu, "-serial", "none"] + nics +
                            ["-chardev", "socket,id=mon,server=on,wait=off,path=" + self.monitor_path, "-mon", "mon"], self.elf)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.board.stop()

    def monitor(self, order):
        """One order to QEMU."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.monitor_path)
            s.sendall(order.encode() + b"\n")
            said = b""
            while said.count(b"(qemu)") < 2:        # one greets, one follows the order
                more = s.recv(4096)
                expect(self.h, more, "QEMU's monitor hung up")
                said += more

    def online(self, seconds=PATIENCE):
        self.board.until("^online " + re.escape(self.jid) + "$", seconds)

    def back(self):
        """Online again, in whichever session."""
        return self.board.until("^(online|resumed) " + re.escape(self.jid) + "$", BACK)[1]

    def offline(self, error, seconds=BACK):
        return self.board.until("^offline %s(.*)$" % error, seconds)[1]


def server_of_its_own(h, **more):
    return type(h.server)(h.place, users=USERS, **more).start()


# ---- it works ----

def logs_in(name, cpu, start=False, variables=()):
    def case(h):
        port = h.server.port if start else h.server.tls_port
        with Device(h, name, port, cpu, start=start, variables=variables) as d:
            static, stack = h.login(d.board, d.jid)
        h.figure("lwip-" + name, d.elf, static, stack)
        expect(h, static + stack <= RAM, "%d bytes of RAM" % (static + stack))
    return case


# ---- it refuses ----

def wrong_certificate(h):
    server = server_of_its_own(h, cert="other")
    with Device(h, "untrusted", server.tls_port) as d:
        d.offline("XMPP_E_TLS_UNTRUSTED")
        expect(h, not any(line.startswith("online") for line in d.board.lines), "it went online")
    server.kill()
    with Device(h, "untrusted", server.port, start=True) as d:
        server.relaunch()
        server.wait_ready()
        d.offline("XMPP_E_TLS_UNTRUSTED")
        expect(h, not any(line.startswith("online") for line in d.board.lines), "it went online")
    expect(h, "<auth" not in server.log(), "it sent its credentials")
    server.kill()


# ---- it comes back ----

def server_restarts(h):
    server = server_of_its_own(h)
    with Device(h, "restart", server.tls_port) as d:
        d.online()
        server.terminate()                          # Prosody says why before it closes, or just closes
        server.child.wait(PATIENCE)
        d.offline("XMPP_E_(STREAM system-shutdown|EOF|TRANSPORT)")
        d.offline("XMPP_E_CONNECT")
        server.relaunch()
        server.wait_ready()
        d.back()
        server.kill()                               # as a crash
        d.offline("XMPP_E_(EOF|TRANSPORT)")
        server.relaunch()
        server.wait_ready()
        d.back()
        expect(h, "Authenticated as sensor@xmpp.test" in server.log(), "Prosody has seen no login")
    server.kill()


def refused_for_a_while(h):
    server = server_of_its_own(h)
    server.kill()
    with Device(h, "refused", server.tls_port) as d:
        for _ in range(2):
            words = d.offline("XMPP_E_CONNECT")
            expect(h, "connect to 10.0.2.2 port %d: refused" % server.tls_port in words, words)
        server.relaunch()
        server.wait_ready()
        d.online(BACK)
    server.kill()


def link_off_and_on(h):
    contact = h.contact
    with Device(h, "link", h.server.tls_port, **CUT_OFF) as d:
        d.online()
        contact.until("presence", **{"from": d.jid, "type": "available"})
        for _ in range(2):
            d.monitor("set_link lan off")
            d.offline("XMPP_E_DEAD")
            d.monitor("set_link lan on")
            d.back()
        contact.order(do="message", to=d.jid, body="still there?")
        contact.until("message", **{"from": d.jid})


def relay_that_swallows(h):
    """The link stands, and nothing comes through: to the server the device is still there."""
    from proxy import Proxy
    contact, relay = h.contact, Proxy(h.server.tls_port)
    try:
        with Device(h, "relay", relay.port, **CUT_OFF) as d:
            d.online()
            contact.until("presence", **{"from": d.jid, "type": "available"})
            contact.order(do="message", to=d.jid, body="are you there?")
            contact.until("message", **{"from": d.jid})     # <enabled/> came before that: there is a session to be resumed
            relay.swallow = True
            d.offline("XMPP_E_DEAD")
            relay.swallow = False
            relay.cut()                             # what began while bytes were lost is no TLS any more
            expect(h, d.back() == "resumed", "it did not resume its session")
            relay.cut()                             # RST, as of a router that forgot the connection
            d.offline("XMPP_E_(TRANSPORT|EOF)")
            d.back()
    finally:
        relay.stop()


# ---- hostile frames ----

MAC = bytes([2, 0, 0, 0, 0, 1])


def hostile_frame(r):
    """Of any length; addressed to the device or to all; often something that begins like ARP, IP, TCP or UDP."""
    payload = bytearray(r.randbytes(r.choice((0, 1, 13, 28, 40, 46, 300, 576, 1500, r.randrange(2020)))))
    kind = r.choice((b"\x08\x00", b"\x08\x06", b"\x81\x00", b"\x86\xdd", r.randbytes(2)))
    if kind == b"\x08\x00" and len(payload) >= 20:
        payload[0] = r.choice((0x45, 0x45, 0x4f, 0x41, 0x60))
        payload[2:4] = r.choice((len(payload), 20, 0, 65535)).to_bytes(2, "big")
        payload[6:8] = r.choice((b"\0\0", b"\0\0", b"\x20\0", r.randbytes(2)))     # of a fragment, perhaps
        payload[9] = r.choice((1, 6, 6, 17, r.randrange(256)))
        payload[12:20] = bytes([10, 0, 2, 2, 10, 0, 2, 15])
        if r.random() < 0.8:
            words = bytes(payload[:10]) + b"\0\0" + bytes(payload[12:20])
            total = sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, 20, 2))
            while total > 0xffff:
                total = (total & 0xffff) + (total >> 16)
            payload[10:12] = (total ^ 0xffff).to_bytes(2, "big")
    if kind == b"\x08\x06" and len(payload) >= 28:
        payload[:8] = b"\0\1\x08\0\6\4\0" + bytes([r.choice((1, 2, 9))])
    frame = r.choice((MAC, b"\xff" * 6)) + b"\2\0\0\0\0\x63" + kind + bytes(payload)
    return frame[:r.choice((len(frame),) * 6 + (1, 13, 14, 20))]


def hostile_frames(h):
    """Nonsense comes in to the device alone while it is online; it stays online and answers."""
    contact = h.contact
    path = os.path.join(h.place.dir, "frames")
    wire = ["-nic", "user,model=stellaris,id=lan", "-chardev", "socket,id=nonsense,server=on,wait=off,path=" + path,
            "-object", "filter-redirector,id=wire,netdev=lan,queue=tx,indev=nonsense"]
    with Device(h, "frames", h.server.tls_port, nic=wire) as d, socket.socket(socket.AF_UNIX) as s:
        d.online()
        contact.until("presence", **{"from": d.jid, "type": "available"})
        s.settimeout(PATIENCE)
        s.connect(path)
        r = random.Random(1)
        for n in range(6000):
            frame = hostile_frame(r)
            s.sendall(len(frame).to_bytes(4, "big") + frame)
            if n % 2000 == 1999:
                contact.order(do="message", to=d.jid, body="still there?")
                contact.until("message", **{"from": d.jid})
        expect(h, not any(line.startswith(("offline", "lwIP")) for line in d.board.lines), "it went offline")


# ---- on the host ----

def host_tests(h):
    done = subprocess.run(["make", "-s", "-C", os.path.join(HERE, "lwip"), "check"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    words = done.stdout.decode(errors="replace")
    counts = re.findall(r"^([0-9]+) passed, ([0-9]+) failed$", words, re.M)
    expect(h, done.returncode == 0 and len(counts) == 4 and all(int(p) > 0 and f == "0" for p, f in counts), words[-1500:])


WARN = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual -Wundef -Wvla "
        "-Wswitch-enum -Wwrite-strings -Wformat=2 -Werror").split()
COMPILERS = (["cc", "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes"], ["c++", "-std=c++11", "-x", "c++"],
             ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-std=c99", "-Os", "-Wstrict-prototypes", "-Wmissing-prototypes"])
SETTINGS = ("", "LWIP_DNS=1", "LWIP_IPV6=1", "LWIP_IPV6=1 LWIP_IPV4=0", "LWIP_UDP=0", "LWIP_DNS=1 LWIP_IPV6=1",
            "LWIP_WND_SCALE=1 TCP_RCV_SCALE=2", "NO_SYS=0", "NO_SYS=0 LWIP_DNS=1 LWIP_IPV6=1",
            "NO_SYS=0 LWIP_TCPIP_CORE_LOCKING=0 XMPP_LWIP_LOCK()=((void)0) XMPP_LWIP_UNLOCK()=((void)0)")


def compiles(h):
    """xmpp_io_lwip.h without a warning, whatever lwIP was built for."""
    top = os.path.dirname(os.path.dirname(HERE))
    folder = os.path.join(h.place.dir, "settings")
    os.makedirs(os.path.join(folder, "arch"))
    for path, text in (
            ("unit.c", '#define XMPP_IO_LWIP_IMPLEMENTATION\n#include "xmpp_io_lwip.h"\n'),
            ("lwipopts.h", "#ifndef NO_SYS\n#define NO_SYS 1\n#endif\n#define SYS_LIGHTWEIGHT_PROT (!NO_SYS)\n"
                           "#define LWIP_SOCKET 0\n#define LWIP_NETCONN 0\n"),
            ("arch/cc.h", "#include <stdint.h>\n#define LWIP_PLATFORM_DIAG(x)\n#define LWIP_PLATFORM_ASSERT(x)\n"),
            ("arch/sys_arch.h", "typedef int sys_sem_t, sys_mutex_t, sys_mbox_t, sys_thread_t, sys_prot_t;\n")):
        with open(os.path.join(folder, path), "w") as f:
            f.write(text)
    for compiler in COMPILERS:
        for setting in SETTINGS:
            command = compiler + WARN + ["-D" + d for d in setting.split()] + [
                "-I" + folder, "-I" + top, "-I" + os.path.join(top, "examples", "firmware", "lwip"),
                "-isystem", os.path.join(top, "build", "src", "lwip", "src", "include"),
                "-c", os.path.join(folder, "unit.c"), "-o", os.path.join(folder, "unit.o")]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            expect(h, done.returncode == 0, "%s %s: %s" % (compiler[0], setting, done.stdout.decode(errors="replace")[:800]))


CASES = [
    ("lwip: transport and driver on the host, hostile peers and frames, out of memory", host_tests),
    ("lwip: the transport compiles for each kind of lwIP", compiles),
    ("lwip, Cortex-M3: login over direct TLS, presence, answer", logs_in("cortex-m3", "cortex-m3")),
    ("lwip, Cortex-M3: the same over STARTTLS", logs_in("starttls", "cortex-m3", start=True)),
    ("lwip, Cortex-M4: the same over direct TLS", logs_in("cortex-m4", "cortex-m4")),
    ("lwip: the same with an address from DHCP", logs_in("dhcp", "cortex-m3", variables=("DHCP=1",))),
    ("lwip: a server of another authority is refused, both kinds of TLS", wrong_certificate),
    ("lwip: a server that stops, or crashes, and starts again", server_restarts),
    ("lwip: connections refused for a while", refused_for_a_while),
    ("lwip: the link is cut, and given back", link_off_and_on),
    ("lwip: a relay that swallows all, then resets", relay_that_swallows),
    ("lwip: hostile frames on the wire", hostile_frames),
]
