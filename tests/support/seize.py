# What hostile tests do to any terminal that they find; each line with OPEN is a success of theirs.
# Arguments: "own" for the terminal that controls it, "all", or the path and the device number of the only other one.
import fcntl, glob, os, select, signal, struct, sys, termios

# Whoever isn't in the foreground would only be stopped.
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGTTIN, signal.SIG_IGN)


def seize(name, fd):
    def did(what, attempt):
        try:
            attempt()
            print("OPEN", name, what, flush=True)
        except (OSError, termios.error):
            pass
    did("opened", lambda: None)
    did("written", lambda: os.write(fd, b"\033]0;OWNED\007\033]52;c;T1dORUQ=\007"))
    def silence():
        modes = termios.tcgetattr(fd)
        modes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
        termios.tcsetattr(fd, termios.TCSANOW, modes)
    did("echo off", silence)
    did("resized", lambda: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 0, 0)))
    did("typed into", lambda: fcntl.ioctl(fd, termios.TIOCSTI, b"x"))
    did("made its own", lambda: fcntl.ioctl(fd, termios.TIOCSCTTY, 1))
    did("in the foreground", lambda: os.tcsetpgrp(fd, os.getpgrp()))
    def listen():
        if not select.select([fd], [], [], 2)[0] or not os.read(fd, 100):
            raise OSError("nothing was typed")
    did("listened to", listen)
places = ["/dev/tty"]
only = int(sys.argv[2]) if len(sys.argv) > 2 else None
if "own" not in sys.argv:
    places += sys.argv[1:2] if only else ["/dev/console"] + [f"/dev/pts/{n}" for n in range(100)]
    places += glob.glob("/proc/[0-9]*/fd/[0-9]*") + glob.glob("/proc/[0-9]*/root/dev/pts/[0-9]*")
for leader in [False, True]:
    if leader:
        if os.fork():
            os.wait()
            break
        os.setsid()
    for number in range(3):
        if os.isatty(number):
            seize(f"descriptor {number}", number)
    for place in places:
        try:
            fd = os.open(place, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        if os.isatty(fd) and (place == "/dev/tty" or only in (None, os.fstat(fd).st_rdev)):
            seize(place, fd)
        os.close(fd)
print("session", open("/proc/self/stat").read().rsplit(")", 1)[1].split()[4])
print("descriptors", sorted(os.listdir("/proc/self/fd"), key=int)[:-1], [os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in range(3)])
print("done", flush=True)
