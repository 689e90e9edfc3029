#!/usr/bin/python3
"""copy_run.py: copies each port of examples/ports/ as a user does and compiles what came of it: for Cortex-M4 against lwIP's own
headers and stand-ins of FreeRTOS and Zephyr, for the host against stand-ins of ESP-IDF and of Arduino on the ESP32, and for the
ATmega2560 with Arduino's own core, linked. Then runs the FreeRTOS, Zephyr and ESP-IDF programs on the host, over stand-ins of their
systems (standin/*/host.c), and the sketch for the ATmega2560 in QEMU, whose second UART is the network, against a throw-away
Prosody. A compiler or emulator that is not there: "skipped". The last line is "N passed, N failed"."""
import glob
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "interop")]
import servers                                      # noqa: E402
import tls_run                                      # noqa: E402
from tls_run import Program, check                  # noqa: E402

STANDIN = os.path.join(HERE, "standin")
LWIP = os.path.join(TOP, "build", "src", "lwip", "src", "include")
WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wcast-align", "-Wcast-qual", "-Wundef",
        "-Wvla", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wswitch-enum", "-Wwrite-strings", "-Wformat=2", "-Werror"]
M4 = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-Os", "-std=gnu99"]
HOST = [os.environ.get("CC") or "cc", "-O1", "-g", "-std=gnu99"]
CORE = "/usr/share/arduino/hardware/arduino/avr"
MBEDTLS = ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"]


def run(argv, what, cwd=None):
    if shutil.which(argv[0]) is None:
        print("skipped %s: no %s" % (what, argv[0]), flush=True)
        return False
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd)
    return check(done.returncode == 0, what, done.stdout.decode(errors="replace")[:3000])


def quiet(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv[:3]), done.stdout.decode(errors="replace")[:3000]))
    return done.stdout.decode(errors="replace")


def system(path):
    return ["-isystem", path]


class Ports:
    """The copied folders, and what their compilers are told."""

    def __init__(self, place):
        self.dir = os.path.join(place.dir, "ports")
        self.made = os.path.join(self.dir, "generated")
        self.mbedtls = os.path.join(self.dir, "mbedtls-headers")   # for cross compilers: these folders of the host's alone
        os.makedirs(self.made)
        os.makedirs(self.mbedtls)
        for name in ("mbedtls", "psa"):
            os.symlink("/usr/include/" + name, os.path.join(self.mbedtls, name))
        for port in ("freertos", "zephyr", "esp-idf", "arduino", "platformio"):
            run(["sh", os.path.join(TOP, "examples", "ports", "copy.sh"), port, self.path(port)], "copy " + port)
        run(["sh", os.path.join(TOP, "tests", "firmware", "sources.sh"), "get"], "lwIP's headers")
        self.freertos = [*system(LWIP), *system(STANDIN + "/lwip"), *system(STANDIN + "/freertos")]
        self.zephyr = ["-I" + self.path("zephyr/include"), "-I" + self.made, *system(STANDIN + "/zephyr"), "-DXMPP_SOCKETS_ZEPHYR",
                       "-DXMPP_NO_POSIX", "-DXMPP_CFG_IQS=4", "-DXMPP_CFG_XML_DEPTH=32"]
        self.esp = ["-I" + self.path("esp-idf/include"), *system(STANDIN + "/esp-idf"), "-DXMPP_NO_POSIX", "-DXMPP_CFG_IQS=4",
                    "-DXMPP_CFG_XML_DEPTH=32"]

    def path(self, name):
        return os.path.join(self.dir, name)


def settings(port, tls_port):
    """What menuconfig would ask for."""
    values = {"JID": '"alice@xmpp.test/%s"' % port, "PASSWORD": '"alice\'s secret"', "HOST": '"127.0.0.1"', "PORT": str(tls_port)}
    return ["-DCONFIG_SAMPLE_%s=%s" % pair for pair in values.items()]


def trust(ports, ca):
    """The authority as each build system embeds it."""
    der = servers._openssl("x509", "-in", ca, "-outform", "DER")
    with open(os.path.join(ports.made, "ca.der.inc"), "w") as f:
        f.write("".join("0x%02x," % b for b in der) + "\n")
    with open(os.path.join(ports.made, "ca.S"), "w") as f:
        f.write('.section .rodata\n.global _binary_ca_pem_start\n.global _binary_ca_pem_end\n_binary_ca_pem_start:\n'
                '.incbin "%s"\n.byte 0\n_binary_ca_pem_end:\n.section .note.GNU-stack,"",%%progbits\n' % ca)


def compile_targets(ports):
    mbedtls = system(ports.mbedtls)
    run([*M4, *WARN, *ports.freertos, *mbedtls, "-c", "xmpp_task.c", "-o", "m4.o"], "FreeRTOS task for Cortex-M4",
        ports.path("freertos"))
    for name in ("xmpp.c", "samples/presence/src/main.c"):
        run([*M4, *WARN, *ports.zephyr, *mbedtls, *settings("zephyr", 5223), "-c", name, "-o", "m4.o"],
            "Zephyr's %s for Cortex-M4" % name, ports.path("zephyr"))
    for name in ("xmpp.c", "examples/presence/main/main.c"):
        run([*HOST, *WARN, "-Wno-missing-prototypes", *ports.esp, *settings("esp-idf", 5223), "-c", name, "-o", "host.o"], "ESP-IDF's %s for the host" % name,
            ports.path("esp-idf"))


# ---- Arduino and PlatformIO ----

def sketch(folder, name):
    """A sketch as the Arduino builder hands it to the compiler, but for prototypes, which it does not need; with its settings."""
    with open(os.path.join(folder, "examples/Presence/Presence.ino")) as f:
        text = f.read()
    for old, new in (("sensor@example.org/attic", "alice@xmpp.test/mega2560"), ('password[] = "secret"', 'password[] = "alice\'s secret"')):
        if old not in text:
            raise RuntimeError("Presence.ino has other settings")
        text = text.replace(old, new)
    with open(os.path.join(folder, name), "w") as f:
        f.write("#include <Arduino.h>\n#line 1 \"Presence.ino\"\n" + text)
    return name


def arduino(ports):
    folder = ports.path("arduino")
    with open(folder + "/library.properties") as f:
        keys = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
    needed = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    check(needed <= set(keys) and all(os.path.exists(os.path.join(folder, "src", h)) for h in keys["includes"].split(",")),
          "library.properties names what is there", repr(keys))
    esp32 = ["-DESP32", *system(STANDIN + "/esp32-arduino"), "-Isrc"]
    cxx = shutil.which("g++") or "c++"
    run([cxx, "-std=gnu++11", "-Wall", "-Wextra", "-Werror", *esp32, "-c", sketch(folder, "esp32.cpp"), "-o", "esp32.o"],
        "the sketch for the ESP32, on the host", folder)
    run([*HOST, *WARN, "-DESP32", "-c", "src/xmpp.c", "-o", "esp32-lib.o"], "the library for the ESP32, on the host", folder)
    if shutil.which("avr-gcc") is None or not os.path.isdir(CORE):
        print("skipped Arduino Mega 2560: no avr-gcc or no arduino-core-avr", flush=True)
        return
    flags = ["-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_MEGA2560", "-DARDUINO_ARCH_AVR", "-Os",
             "-ffunction-sections", "-fdata-sections", "-I" + CORE + "/cores/arduino", "-I" + CORE + "/variants/mega",
             "-I" + CORE + "/libraries/SPI/src", "-I" + STANDIN + "/arduino"]    # not -isystem, which is extern "C" here
    cpp = ["avr-g++", "-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics", *flags]
    objects = []
    for source in sorted(glob.glob(CORE + "/cores/arduino/*.c") + glob.glob(CORE + "/cores/arduino/*.cpp")):
        objects.append(os.path.join(folder, os.path.basename(source) + ".o"))
        # DECIMAL_DIG: of the C++ of avr-g++ 5.4 alone it is missing
        quiet((["avr-gcc", "-std=gnu11", *flags] if source.endswith(".c") else [*cpp, "-DDECIMAL_DIG=__DECIMAL_DIG__"]) +
              ["-w", "-c", source, "-o", objects[-1]])
    good = run(["avr-gcc", "-std=gnu11", *flags, "-Wall", "-Wextra", "-Wno-type-limits", "-Werror", "-Isrc", "-c", "src/xmpp.c",
                "-o", "avr-lib.o"], "the library for the ATmega2560", folder)
    good &= run([*cpp, "-Wall", "-Wextra", "-Werror", "-DRANDOM_FOR_TESTS_ONLY", "-Isrc", "-c",
                 sketch(folder, "avr.cpp"), "-o", "avr-sketch.o"], "the sketch for the ATmega2560", folder)
    done = subprocess.run([*cpp, "-Isrc", "-c", "avr.cpp", "-o", "none.o"], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode != 0 and b"write board_random" in done.stdout, "the sketch without random numbers does not compile")
    if good and run(["avr-gcc", "-mmcu=atmega2560", "-Os", "-Wl,--gc-sections", "-o", "sketch.elf", "avr-sketch.o", "avr-lib.o",
                     *objects, "-lm"], "the sketch links with Arduino's core", folder):
        text, data, bss = (int(n) for n in quiet(["avr-size", folder + "/sketch.elf"]).splitlines()[1].split()[:3])
        check(data + bss <= 7168, "1 KB of the 8 are left for the stack", "%d bytes of data" % (data + bss))
        print("     Arduino Mega 2560: %d bytes of flash, %d of RAM without stack" % (text + data, data + bss), flush=True)


class Cable:
    """Between QEMU's UART, which sends each byte by itself, and the server: what comes within 5 ms goes on as one. Debian's libexpat
    looks again at a tag that came in pieces only when it has doubled."""

    def __init__(self, to):
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        board, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        held = b""
        while True:
            ready = select.select([board, server], [], [], 0.005 if held else None)[0]
            if not ready:
                server.sendall(held)
                held = b""
            for link in ready:
                data = link.recv(4096)
                if not data:
                    return
                if link is server:
                    board.sendall(data)
                else:
                    held += data


def mega2560(place, ports, port):
    """The sketch in QEMU: how it was started, or None. Its clock stands still there, for QEMU has no 8-bit timers of the AVR."""
    if not os.path.exists(ports.path("arduino/sketch.elf")) or shutil.which("qemu-system-avr") is None:
        print("skipped the sketch in QEMU: no qemu-system-avr, or it was not built", flush=True)
        return None
    return Program(place, ["qemu-system-avr", "-M", "mega2560", "-nographic", "-monitor", "none", "-bios",
                           ports.path("arduino/sketch.elf"), "-serial", "stdio", "-serial", "tcp:127.0.0.1:%d" % Cable(port).port])


def platformio(ports):
    folder = ports.path("platformio")
    with open(folder + "/library.json") as f:
        library = json.load(f)
    files = [os.path.join(folder, "src", h) for h in library["headers"]]
    files += [os.path.join(folder, e["base"], name) for e in library["examples"] for name in e["files"]]
    check(all(os.path.exists(f) for f in files), "library.json names what is there", repr(files))
    with open(folder + "/examples/Presence/platformio.ini") as f:
        ini = f.read()
    check({"env:esp32dev", "env:megaatmega2560", "platformio"} <= set(re.findall(r"^\[(.*)\]$", ini, re.M)) and
          os.path.exists(os.path.join(folder, "examples/Presence", re.search(r"symlink://(\S+)", ini).group(1), "library.json")),
          "platformio.ini finds the library")


# ---- on the host ----

def build_host(ports, tls_port):
    """{port: how to start it}"""
    loose = ["-Wall", "-Wextra"]        # the host's own files; the others were compiled with every warning
    programs = {}
    zephyr, esp, freertos = (ports.path(p) for p in ("zephyr", "esp-idf", "freertos"))
    if run([*HOST, *loose, *ports.zephyr, *settings("zephyr", tls_port), "xmpp.c", "samples/presence/src/main.c",
            STANDIN + "/zephyr/host.c", "-o", "sample", *MBEDTLS], "Zephyr's sample on the host", zephyr):
        programs["zephyr"] = [zephyr + "/sample"]
    if run([*HOST, *loose, *ports.esp, *settings("esp-idf", tls_port), "xmpp.c", "examples/presence/main/main.c",
            STANDIN + "/esp-idf/host.c", ports.made + "/ca.S", "-o", "sample", *MBEDTLS], "ESP-IDF's example on the host", esp):
        programs["esp-idf"] = [esp + "/sample"]
    task = [*HOST, *loose, *ports.freertos, "-c", "xmpp_task.c", "-o", "task.o"]
    if run(task, "the FreeRTOS task on the host", freertos) and \
            run([*HOST, *loose, "-pthread", "-I.", *system(STANDIN + "/freertos"), STANDIN + "/freertos/host.c", "task.o", "-o",
                 "sample", *MBEDTLS], "its stand-ins", freertos):
        clock = [*HOST, *loose, "-Wno-unused-function", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-I.",
                 *ports.freertos, STANDIN + "/freertos/ticks.c", "-o", "ticks", *MBEDTLS]
        if run(clock, "FreeRTOS's clock on the host", freertos):
            run([freertos + "/ticks"], "FreeRTOS: ticks of 16 bits, 300 a second, as milliseconds")
        programs["freertos"] = [freertos + "/sample", "alice@xmpp.test/freertos", str(tls_port)]
    return programs


def main():
    with servers.Place() as place:
        prosody = servers.Prosody(place, users={"alice": "alice's secret", "bob": "bob's secret"}, friends=[("alice", "bob")],
                                  lax=True)     # the Mega 2560 has no TLS
        prosody.launch()
        ports = Ports(place)
        ca = place.certs["ca"].crt
        trust(ports, ca)
        compile_targets(ports)
        arduino(ports)
        platformio(ports)
        prosody.wait_ready()
        programs = build_host(ports, prosody.tls_port)
        bot = Program(place, ["/usr/bin/python3", os.path.join(TOP, "tests", "interop", "bot.py"), "bob@xmpp.test",
                              str(prosody.port), ca], "bob's secret", subprocess.PIPE)
        if not check(bot.event(event="ready") is not None, "the contact logs in", repr(bot.seen)):
            return
        board = mega2560(place, ports, prosody.port)
        for port, argv in list(programs.items()) + ([("mega2560", None)] if board is not None else []):
            jid = "alice@xmpp.test/" + port
            if argv is None:
                client, where = board, "mega2560 in QEMU"
            else:
                client, where = Program(place, argv + ([ca] if port == "freertos" else []), "alice's secret"), port + " on the host"
            seen = bot.event(**{"event": "presence", "from": jid, "type": "available", "status": "21.5 C"})
            if check(seen is not None, where + ": its reading arrives as presence", repr(bot.seen[-2:])):
                bot.tell(do="message", to=jid, body="how warm?")
                check(bot.event(**{"event": "message", "from": jid, "body": "21.5 C"}) is not None,
                      where + ": a message is answered", repr(bot.seen[-2:]))
            client.child.kill()
        bot.tell(do="quit")


if __name__ == "__main__":
    main()
    print("%d passed, %d failed" % (tls_run.passed, tls_run.failed))
    sys.exit(1 if tls_run.failed else 0)
