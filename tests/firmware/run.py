#!/usr/bin/python3
"""run.py [-v] [PART...]: builds the firmware images of examples/firmware and boots them in QEMU against a Prosody of
their own, with a slixmpp contact at the other side. Prints "ok NAME" or "FAIL NAME: why" for each test; the last line is
"N passed, N failed". Parts: uart, refused, watchdog, stack, lwip; default: all.
-v: also what the images said. XMPP_TEST_KEEP=1 keeps the folder with the server's logs.
build/firmware/figures.txt: a line "IMAGE flash static_ram stack" for each image that logged in, in bytes; and lines
"longest-step INSTRUCTIONS", "longest-step-own-hashes INSTRUCTIONS", "stack-core-scram PAINTED COMPUTED"."""
import fcntl
import hashlib
import hmac
import json
import os
import queue
import re
import select
import socket
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FIRMWARE = os.path.join(TOP, "examples", "firmware")
BUILD = os.path.join(TOP, "build", "firmware")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "interop")]
sys.dont_write_bytecode = True
import readme                                       # noqa: E402
import servers                                      # noqa: E402

PATIENCE = 30                                       # seconds until something that must happen has failed to
PARTS = ("uart", "refused", "watchdog", "stack", "lwip")
VERBOSE = "-v" in sys.argv
CHOSEN = [a for a in sys.argv[1:] if a != "-v"] or PARTS
TOOL = os.path.join(TOP, "build", "xmpp")
READING = re.compile(r"2[0-2]\.[0-9] C")
OWNER = r"^message from owner@xmpp\.test/d\?\?sk$"   # what is not ASCII reaches no console

ARM, RISCV = ["qemu-system-arm"], ["qemu-system-riscv32", "-bios", "none"]
BOARDS = {                                          # name: QEMU, BearSSL's build
    "mps2-an385": ARM + ["-M", "mps2-an385"],
    "mps2-an386": ARM + ["-M", "mps2-an386"],
    "microbit": ARM + ["-M", "microbit"],
    "virt": RISCV + ["-M", "virt"],
}
MICROBIT_RAM, PINNED_RAM, SMALL_RAM = 16384, 13312, 14336     # bytes in all: variables and painted stack


class Failure(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failure(words)


# ---- processes that print lines ----

class Program:
    """A child process whose lines are read; patterns are looked for in those that were not taken yet."""

    def __init__(self, place, argv, **more):
        self.lines, self.fresh, self.queue = [], [], queue.Queue()
        self.child = place.spawn(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.child.stdout:
            self.queue.put(line.decode(errors="replace").rstrip("\r\n"))
        self.queue.put(None)

    def take(self, fits, what, seconds):
        deadline = time.monotonic() + seconds
        looked = 0
        while True:
            for i in range(looked, len(self.fresh)):
                found = fits(self.fresh[i])
                if found:
                    del self.fresh[:i + 1]
                    return found
            looked = len(self.fresh)
            try:
                line = self.queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure("no %s within %d s; lines: %s" % (what, seconds, self.lines[-8:])) from None
            if line is None:
                self.queue.put(None)
                raise Failure("it ended (status %s) without %s; lines: %s" % (self.child.wait(), what, self.lines[-8:]))
            self.lines.append(line)
            self.fresh.append(line)

    def ended(self, seconds=PATIENCE):
        """The exit status."""
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("it did not end within %d s; lines: %s" % (seconds, self.lines[-8:])) from None
        self.thread.join(seconds)
        while not self.queue.empty():
            line = self.queue.get()
            if line is None:
                break
            self.lines.append(line)
            self.fresh.append(line)
        self.queue.put(None)
        return status

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.ended()


class Board(Program):
    """QEMU with an image; until: the first new line that fits the pattern."""

    def until(self, pattern, seconds=PATIENCE):
        return self.take(re.compile(pattern).search, "'%s'" % pattern, seconds)

    def stop(self):
        super().stop()
        if VERBOSE:
            print("    " + "\n    ".join(self.lines))


class Contact(Program):
    """The slixmpp counterpart, tests/interop/bot.py."""

    def __init__(self, place, server, jid, password):
        super().__init__(place, ["/usr/bin/python3", os.path.join(TOP, "tests", "interop", "bot.py"), jid,
                                 str(server.tls_port), place.certs["ca"].crt, "--direct"],
                         stdin=subprocess.PIPE, env=dict(os.environ, XMPP_PASSWORD=password))
        self.until("ready")
        self.fresh = list(self.lines)       # a device that was online before has told so already

    def until(self, event, seconds=PATIENCE, **fields):
        def fits(line):
            try:
                e = json.loads(line)
            except ValueError:
                return None
            return e if e["event"] == event and all(e.get(k) == v for k, v in fields.items()) else None
        return self.take(fits, "%s %s" % (event, fields), seconds)

    def order(self, **what):
        self.child.stdin.write((json.dumps(what) + "\n").encode())
        self.child.stdin.flush()


class Modem(threading.Thread):
    """The other end of a board's UART: leads its bytes to a port of loopback, with a new connection where there is none,
    and gathers what comes from the board until the line is idle for 5 ms, as serial modems do: see
    examples/firmware/uart/xmpp_io_uart.h on expat. While lost is set, both directions lead nowhere."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.lost, self.server = target, False, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        board, _ = self.listener.accept()
        self.listener.close()
        gathered = b""
        with board:
            try:
                while True:
                    if self.lost:
                        self.hang_up()
                    links = [board] + ([self.server] if self.server else [])
                    ready, _, _ = select.select(links, [], [], 0.005 if gathered else 0.1)
                    if board in ready:
                        data = board.recv(4096)
                        if not data:
                            break
                        gathered = b"" if self.lost else gathered + data
                    elif self.server in ready:
                        data = self.server.recv(4096)
                        if data:
                            board.sendall(data)
                        else:
                            self.hang_up()
                    elif gathered:
                        self.server = self.server or socket.create_connection(("127.0.0.1", self.target))
                        self.server.sendall(gathered)
                        gathered = b""
            except OSError:
                pass                                # one of them has ended
        self.hang_up()

    def hang_up(self):
        if self.server:
            self.server.close()
            self.server = None


class Prosody(servers.Prosody):
    """With what was received in its log, so that it tells the mechanism of a login."""

    def configure(self):
        super().configure()
        path = self.dir + "/prosody.cfg.lua"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace('min = "info"', 'min = "debug"'))

    def log(self):
        with open(self.dir + "/prosody.log", errors="replace") as f:
            return f.read()


class Harness:
    """What the tests share: server, contact, images."""
    Failure = Failure

    def __init__(self, place, others=()):
        self.place = place
        users = {"sensor": "secret", "owner": "geheim"}
        self.server = Prosody(place, users=users, friends=[("sensor", "owner")])
        self.others = {cert: Prosody(place, users=users, cert=cert) for cert in others}
        for server in [self.server] + list(self.others.values()):
            server.launch()
        for server in [self.server] + list(self.others.values()):
            server.wait_ready()
        self._contact = None
        self.figures = []
        self.passed = self.failed = 0

    @property
    def contact(self):
        if self._contact is None:
            self._contact = Contact(self.place, self.server, "owner@xmpp.test/d\u00e9sk", "geheim")
        return self._contact

    def test(self, name, run, *arguments):
        begun = time.monotonic()
        try:
            run(*arguments)
            self.passed += 1
            print("ok   %s (%.1f s)" % (name, time.monotonic() - begun), flush=True)
            return True
        except Exception as error:                  # a test that breaks must not end the others
            self.failed += 1
            words = str(error) if isinstance(error, (Failure, subprocess.SubprocessError)) else traceback.format_exc()
            print("FAIL %s: %s" % (name, words), flush=True)
            return False

    def run(self, parts):
        for part in parts:
            try:
                globals()[part + "_tests"](self)
            except Exception:                       # outside of a test
                self.failed += 1
                print("FAIL %s: %s" % (part, traceback.format_exc()), flush=True)

    # ---- images ----

    def config(self, name, trust="ca", **fields):
        """A folder with device_config.h, made from the example that a user copies: DEVICE_JID and so on are replaced.
        trust: the authority's certificate, or the server's, whose key is pinned then."""
        folder = os.path.join(BUILD, "config", name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(FIRMWARE, "device_config.example.h")) as f:
            text = f.read()
        given = {"JID": "sensor@xmpp.test/attic", "PASSWORD": "secret", "HOST": '"127.0.0.1"', "RETRY_FIRST_MS": 1000}
        given.update(fields)
        if trust != "ca":
            given["PINNED"] = 1
        for field, value in given.items():
            if field in ("JID", "PASSWORD"):
                value = '"%s"' % value
            new = "#define DEVICE_%s %s" % (field, value)
            text, n = re.subn(r"^#define DEVICE_%s\b.*$" % field, lambda _: new, text, flags=re.M)
            if n == 0:
                text = text.replace("\n#endif", "\n%s\n\n#endif" % new)
        anchors = subprocess.run([TOOL, "anchors", self.place.certs[trust].crt], check=True, stdout=subprocess.PIPE).stdout
        for path, content in (("device_config.h", text.encode()), ("anchors.h", anchors)):
            path = os.path.join(folder, path)
            if not os.path.exists(path) or open(path, "rb").read() != content:
                with open(path, "wb") as f:
                    f.write(content)
        return folder

    def build(self, folder, name, config, *variables, out=None):
        """make in a folder; out: a name, for images that share their objects. Returns the path of the image."""
        out = os.path.join(BUILD, out or name)
        if not os.path.isabs(folder):
            folder = os.path.join(FIRMWARE, folder)
        done = subprocess.run(["make", "-s", "-j%d" % (os.cpu_count() or 1), "-C", folder, "EMULATED=1", "IMAGE=" + name,
                               "OUT=" + out, "CONFIG=%s" % config] + list(variables),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        words = done.stdout.decode(errors="replace")
        expect(done.returncode == 0, "make: " + words[-1500:])
        expect("warning:" not in words, "make: " + words[-1500:])
        return os.path.join(out, name + ".elf")

    def boot(self, qemu, elf, args=()):
        at = len(self.server.log())
        config = ",".join(["enable=on", "target=native", "arg=device"] + ["arg=" + a for a in args])
        board = Board(self.place, qemu + ["-nographic", "-monitor", "none", "-semihosting-config", config, "-kernel", elf],
                      stdin=subprocess.DEVNULL)
        board.log_at = at                           # what the server's log holds from here on is about this board
        return board

    def boot_uart(self, board, elf, server=None, args=(), more=(), port=None):
        port = port or (server or self.server).tls_port
        return self.boot(BOARDS[board] + ["-serial", "tcp:127.0.0.1:%d" % port] + list(more), elf, args)

    # ---- what every image must do ----

    def login(self, board, jid, name=None, seconds=PATIENCE):
        """Online, by SCRAM and TLS as Prosody's log has it; its presence reaches the contact; a message to it is
        answered. Returns (static RAM, painted stack)."""
        contact = self.contact
        board.until("^online " + re.escape(jid) + "$", seconds)
        log = self.server.log()[board.log_at:]
        expect("Authenticated as " + jid.split("/")[0] in log, "Prosody has seen no login")
        expect(re.search(r"Stream encrypted \(TLSv1\.2 with ECDHE-ECDSA-CHACHA20", log), "Prosody has seen no TLS")
        expect(re.search(r"Received\[c2s_unauthed\]: <auth [^>]*mechanism='SCRAM-SHA-(1|256)'", log), "Prosody has seen no SCRAM")
        p = contact.until("presence", **{"from": jid, "type": "available"})
        expect(READING.fullmatch(p["status"]), "presence without a reading: %s" % p)
        contact.order(do="message", to=jid, body="how warm is it?")
        m = contact.until("message", **{"from": jid})
        expect(READING.fullmatch(m["body"]), "not a reading: %s" % m)
        board.until(OWNER)
        m = board.until("^memory static ([0-9]+) stack ([0-9]+)$")
        return int(m[1]), int(m[2])

    def figure(self, name, elf, static, stack):
        tool = "riscv64-unknown-elf-size" if "virt" in name else "arm-none-eabi-size"
        text, data = (int(n) for n in subprocess.run([tool, elf], check=True, stdout=subprocess.PIPE).stdout.split()[6:8])
        self.figures.append("%s %d %d %d" % (name, text + data, static, stack))
        print("     %s: flash %d, static RAM %d, painted stack %d, RAM in all %d"
              % (name, text + data, static, stack, static + stack), flush=True)


    def no_heap(self, elf):
        """No allocator was linked: there is no _sbrk to give it memory either."""
        tool = "riscv64-unknown-elf-nm" if "virt" in elf else "arm-none-eabi-nm"
        names = {line.split()[-1] for line in subprocess.run([tool, elf], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
                 if line}
        expect("device_run" in names, "no symbols in " + elf)
        expect(not names & {"malloc", "_malloc_r", "free", "calloc", "_sbrk", "sbrk"}, "an allocator is linked")


# ---- the UART images ----

def uart_tests(h):
    def login(board, name, trust, limit, *variables):
        jid = "sensor@xmpp.test/" + name
        elf = h.build("uart", name, h.config(name, trust=trust, JID=jid), "BOARD=" + board, *variables,
                      out="uart-" + board + ("-small" if variables else ""))
        running = h.boot_uart(board, elf)
        try:
            static, stack = h.login(running, jid)
        finally:
            running.stop()
        h.figure(name, elf, static, stack)
        h.no_heap(elf)
        expect(limit is None or static + stack <= limit, "%d bytes of RAM, of %s" % (static + stack, limit))

    def starttls():
        jid = "sensor@xmpp.test/starttls"
        config = h.config("starttls", JID=jid, TLS="XMPP_TLS_START", PORT=5222, PING_MS=2000, ANSWER_MS=2000)
        elf = h.build("uart", "mps2-an385-starttls", config, "BOARD=mps2-an385", out="uart-mps2-an385")
        modem = Modem(h.server.port)
        running = h.boot_uart("mps2-an385", elf, port=modem.port)
        try:
            h.login(running, jid)
            modem.lost = True                       # a UART tells nobody: a ping finds out
            running.until("^offline XMPP_E_DEAD")
            modem.lost = False
            running.until("^(online|resumed) " + re.escape(jid) + "$")
            h.contact.order(do="message", to=jid, body="are you back?")
            running.until(OWNER)
            h.contact.until("message", **{"from": jid})
        finally:
            running.stop()

    def transport():
        program = os.path.join(BUILD, "test_uart_io")
        subprocess.run(["cc", "-std=c99", "-g", "-Wall", "-Wextra", "-fsanitize=address,undefined", "-I" + TOP, "-o", program,
                        os.path.join(HERE, "test_uart_io.c")], check=True)
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        words = done.stdout.decode(errors="replace")
        expect(done.returncode == 0 and re.search(r"^[1-9][0-9]* passed, 0 failed$", words, re.M), words[-1000:])

    def not_for_production():
        """The emulator's entropy must not get into an image by accident."""
        source = os.path.join(FIRMWARE, "board", "emulator.c")
        for macro, good in (("-DBOARD_IS_EMULATED", True), ("-UBOARD_IS_EMULATED", False)):
            done = subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-fsyntax-only", "-DBOARD_HZ=1000", macro, source],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            expect((done.returncode == 0) == good, "%s: %s" % (macro, done.stdout.decode()[-500:]))
        done = subprocess.run(["make", "-n", "-C", os.path.join(FIRMWARE, "uart"), "BOARD=microbit"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expect(done.returncode != 0 and b"EMULATED=1 builds for QEMU" in done.stdout, "make does not ask for a board: " + done.stdout.decode()[-500:])

    h.test("the emulator's random numbers do not get into an image for silicon", not_for_production)
    h.test("xmpp_io_uart.h over a line and a modem, on the host", transport)
    h.test("mps2-an385 (Cortex-M3): login, presence, answer", login, "mps2-an385", "mps2-an385", "ca", None)
    h.test("mps2-an386 (Cortex-M4): login, presence, answer", login, "mps2-an386", "mps2-an386", "ca", None)
    h.test("mps2-an386 with small buffers: the same in 14 KB", login, "mps2-an386", "mps2-an386-small", "ca", SMALL_RAM,
           "DEFINES=-DDEVICE_RX=64 -DDEVICE_ARENA=768 -DDEVICE_QUEUE=768 -DDEVICE_RECORDS=512")
    h.test("virt (RV32IMC): login, presence, answer", login, "virt", "virt", "ca", None)
    h.test("mps2-an385, STARTTLS through a modem that gathers: the same, and back after a lost link", starttls)
    h.test("microbit (Cortex-M0), P-256 chain: the same in 16 KB", login, "microbit", "microbit", "ca", MICROBIT_RAM)
    h.test("microbit, pinned key: the same in 13 KB", login, "microbit", "microbit-pinned", "server", PINNED_RAM)


def refused_tests(h):
    def refused(board, name, trust, cert, error):
        elf = h.build("uart", name, h.config(name, trust=trust, JID="sensor@xmpp.test/" + name), "BOARD=" + board,
                      out="uart-" + board)
        running = h.boot_uart(board, elf, h.others[cert])
        try:
            running.until("^offline %s[ :;]" % error)
            expect(not any(line.startswith("online") for line in running.lines), "it went online")
        finally:
            running.stop()
        expect("Authenticated" not in h.others[cert].log() and "<auth" not in h.others[cert].log(), "it sent its credentials")

    for cert, error, words in (("other", "XMPP_E_TLS_UNTRUSTED", "another authority"), ("wrong", "XMPP_E_TLS_NAME", "another name"),
                               ("expired", "XMPP_E_TLS_EXPIRED", "an expired certificate")):
        h.test("a server with %s is refused" % words, refused, "mps2-an385", "mps2-an385", "ca", cert, error)
    h.test("a server with another key is refused by the pin", refused, "microbit", "microbit-pinned", "server", "other",
           "XMPP_E_TLS_PIN")


# ---- PBKDF2 in slices ----

ITERATIONS, SHIFT, HZ = 10000, 6, 25000000          # an instruction takes 2^SHIFT ns; the clock of the board
TURNS = {"mps2-an385": 70000000, "microbit": 150000000}     # as examples/firmware/board/board.h tells


def hashed_sha256(password, iterations):
    """Fields of an account in Prosody's hashed store, SCRAM-SHA-256."""
    salt = "fedcba9876543210"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    client, server = (hmac.new(salted, words, hashlib.sha256) for words in (b"Client Key", b"Server Key"))
    return ('["iteration_count"] = %d; ["salt"] = "%s"; ["stored_key"] = "%s"; ["server_key"] = "%s";'
            % (iterations, salt, hashlib.sha256(client.digest()).hexdigest(), server.hexdigest()))


def watchdog_tests(h):
    jid = "slow@sha256.xmpp.test/dog"
    h.server.write("sha256.xmpp.test", "accounts", "slow", hashed_sha256("secret", ITERATIONS))

    def run(name, *variables):
        elf = h.build("uart", name, h.config("watchdog", JID=jid), "BOARD=mps2-an385", "WATCHDOG=1", *variables)
        return h.boot_uart("mps2-an385", elf, args=("watchdog", "steps"), more=("-icount", "shift=%d" % SHIFT))

    def quiet(name, figure, hashes, *variables):
        running = run(name, *variables)
        try:
            running.until("^online " + re.escape(jid), 60)
        finally:
            running.stop()
        instructions = longest(running, "step", HZ)
        h.figures.append("%s %d" % (figure, instructions))
        print("     longest step of xmpp.h at the default slice, %s: %d instructions" % (hashes, instructions), flush=True)
        turn("mps2-an385", running, HZ)

    def longest(running, what, hz):
        ticks = [int(line.split()[-1]) for line in running.lines if line.startswith("longest " + what)]
        expect(ticks, "no %s was measured" % what)
        return ticks[-1] * 10 ** 9 // hz >> SHIFT

    def turn(board, running, hz):
        """What a watchdog has to bear: a turn of the main loop, BearSSL's calls in it."""
        instructions = longest(running, "turn", hz)
        h.figures.append("longest-turn-%s %d" % (board, instructions))
        print("     longest turn of the main loop on %s: %d million instructions" % (board, instructions // 1000000), flush=True)
        expect(instructions <= TURNS[board], "%d instructions, where the documentation tells of %d" % (instructions, TURNS[board]))

    def microbit():
        jid = "sensor@xmpp.test/turn"
        running = h.boot_uart("microbit", h.build("uart", "microbit-turn", h.config("turn", JID=jid), "BOARD=microbit", "WATCHDOG=1"),
                              args=("steps",), more=("-icount", "shift=%d" % SHIFT))
        try:
            running.until("^online " + re.escape(jid), 60)
        finally:
            running.stop()
        turn("microbit", running, 16000000)

    def bites():
        running = run("watchdog-bites", "DEFINES=-DXMPP_CFG_SLICE=%d" % ITERATIONS)
        try:
            running.until("^watchdog bites after ms [0-9]+$", 60)
            expect(running.ended() == 98, "exit status %s" % running.child.returncode)
        finally:
            running.stop()
        expect(not any(line.startswith("online") for line in running.lines), "it went online")

    own = "APP=%s %s" % (os.path.join(FIRMWARE, "device.c"), os.path.join(HERE, "own_hashes.c"))
    h.test("10,000 iterations under a watchdog of 100 ms: quiet at the default slice", quiet, "watchdog", "longest-step",
           "BearSSL's SHA-256")
    h.test("the same with the hashes of xmpp.h", quiet, "watchdog-own", "longest-step-own-hashes", "its own SHA-256", own)
    h.test("the same with all iterations in one step: the watchdog bites", bites)
    h.test("microbit: the longest turn of the main loop", microbit)


# ---- the stack inside xmpp.h ----

def stack_tests(h):
    server = Prosody(h.place, users={"sensor": "secret"}, lax=True).start()

    def painted():
        config = os.path.join(BUILD, "config", "stack")
        os.makedirs(config, exist_ok=True)
        with open(os.path.join(config, "stack_config.h"), "w") as f:
            f.write('#define STACK_JID "sensor@xmpp.test/stack"\n#define STACK_PASSWORD "secret"\n')
        elf = h.build(os.path.join(HERE, "stack"), "stack", config)
        running = h.boot_uart("mps2-an386", elf, port=Modem(server.port).port)
        try:
            backwards = running.until("^clock backwards ([0-9]+)$")[1]
            expect(backwards == "0", "the clock ran backwards %s times" % backwards)
            running.until("^online$")
            figure = int(running.until("^painted ([0-9]+)$")[1])
        finally:
            running.stop()
        computed = call_graph(os.path.dirname(elf))
        h.figures.append("stack-core-scram %d %d" % (figure, computed))
        print("     stack inside xmpp.h, core-scram on Cortex-M4: painted %d, by the call graph %d" % (figure, computed))
        expect(figure <= computed, "the call graph promises %d bytes, %d were used" % (computed, figure))
        expect(figure > computed // 2, "%d bytes of %d: that was no login" % (figure, computed))

    def call_graph(out):
        """As tests/size.sh does it."""
        def nm(*arguments):
            return subprocess.run(["arm-none-eabi-nm"] + list(arguments), check=True, stdout=subprocess.PIPE).stdout.decode()
        with open(out + "/symbols", "w") as f:
            f.write(nm("-S", "--size-sort", out + "/stack.elf"))
        with open(out + "/roots", "w") as f:
            f.write("".join(line.split()[1] + "\n" for line in nm("-u", out + "/main.o").splitlines() if " xmpp_" in line))
        done = subprocess.run(["/usr/bin/python3", os.path.join(TOP, "tests", "size", "stack.py"), out + "/symbols",
                               out + "/roots", out + "/xmpp.ci"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP)
        expect(done.returncode == 0, done.stderr.decode()[-500:])
        return int(done.stdout)

    h.test("a clock that never runs backwards; core-scram without TLS: the painted stack is within the call graph's", painted)


def lwip_tests(h):
    import lwip_cases
    for name, case in lwip_cases.CASES:
        h.test(name, case, h)


def readme_shows():
    bad = readme.check(os.path.join(BUILD, "figures.txt"), os.path.join(TOP, "README.md"))
    expect(not bad, "; ".join(bad))


def main():
    unknown = [a for a in CHOSEN if a not in PARTS]
    if unknown:
        sys.exit("no such part: %s; parts: %s" % (unknown[0], " ".join(PARTS)))
    os.makedirs(BUILD, exist_ok=True)
    lock = open(os.path.join(BUILD, "lock"), "w")   # two runs at once would overwrite each other's images
    fcntl.flock(lock, fcntl.LOCK_EX)
    subprocess.run(["make", "-s", "-C", TOP, "build/xmpp"], check=True)
    for board in BOARDS:                            # now, as two that build the same library would disturb each other
        subprocess.run(["make", "-s", "-C", os.path.join(FIRMWARE, "uart"), "EMULATED=1", "BOARD=" + board, "library"], check=True)
    with servers.Place() as place:
        # beside one another, each with a server of its own: most of the time lwip's tests wait
        lists = [parts for parts in ([p for p in CHOSEN if p != "lwip"], [p for p in CHOSEN if p == "lwip"]) if parts]
        every = [Harness(place, ("other", "wrong", "expired") if "refused" in parts else ()) for parts in lists]
        threads = [threading.Thread(target=h.run, args=(parts,)) for h, parts in zip(every, lists)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with open(os.path.join(BUILD, "figures.txt"), "w") as f:
        f.write("".join(line + "\n" for h in every for line in h.figures))
    if set(CHOSEN) == set(PARTS):
        every[0].test("the README's table shows these figures", readme_shows)
    passed, failed = sum(h.passed for h in every), sum(h.failed for h in every)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0 or passed == 0


sys.exit(main())
