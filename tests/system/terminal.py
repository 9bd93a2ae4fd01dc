# SPDX-License-Identifier: BSD-3-Clause
#
# terminal.py EISENMP PID: `top` of the run with that manager, on a terminal of its own; says what is wrong and exits 1.
import os, pty, select, signal, struct, fcntl, sys, termios, time

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
LINES, COLUMNS = 12, 60


def settings(fd):
    return [x for i, x in enumerate(termios.tcgetattr(fd)) if i != 6], termios.tcgetattr(fd)[6][:12]


def session(name, act, expected, code):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    before = settings(follower)
    pid = os.fork()
    if pid == 0:
        os.login_tty(follower) if hasattr(os, "login_tty") else (os.setsid(), fcntl.ioctl(follower, termios.TIOCSCTTY, 0),
                                                               [os.dup2(follower, i) for i in (0, 1, 2)])
        os.execv(sys.argv[1], [sys.argv[1], "top", "--run", sys.argv[2], "--interval", "0.2", "--wait", "1"])
    shown, acted, status, limit = b"", False, None, time.monotonic() + 40
    while status is None and time.monotonic() < limit:
        if select.select([leader], [], [], 0.05)[0]:
            shown += os.read(leader, 65536)
        if not acted and shown.count(b"\x1b[H") >= 2:
            assert settings(follower) != before, "%s: keys are not taken" % name
            act(leader, pid)
            acted = True
        ended, how = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = "ended"
            assert how & ~0x80 == code, "%s: wait status %d" % (name, how)  # a core or none
    while select.select([leader], [], [], 0.1)[0]:
        shown += os.read(leader, 65536)
    if status is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert status, "%s: it does not end" % name
    assert shown.startswith(ENTER) and shown.count(ENTER) == shown.count(LEAVE), "%s: %r" % (name, shown[-300:])
    assert b"\x1b[?25h" in shown[shown.rindex(LEAVE) - 10:], "%s: no cursor" % name
    assert settings(follower) == before, "%s: the terminal is another: %s, was %s" % (name, settings(follower), before)
    frame = shown.split(b"\x1b[H")[1].split(b"\x1b[J")[0].decode().replace("\r\r", "\r")  # the terminal's own is one
    lines = frame.split("\x1b[K\r\n")
    assert len(lines) <= LINES and all(len(line.replace("\x1b[K", "")) <= COLUMNS for line in lines), "%s: %r" % (name, lines)
    assert "mp_input_q" in frame and "pid " + sys.argv[2] in frame, "%s: %s" % (name, frame)
    expected(name, shown)
    os.close(leader)
    os.close(follower)


def nothing(name, shown):
    pass


session("q", lambda fd, pid: os.write(fd, b"q"), nothing, 0)
session("Ctrl-C", lambda fd, pid: os.write(fd, b"\x03"), nothing, 0)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    session(str(number), lambda fd, pid: os.kill(pid, number), nothing, number)


def freeze(fd, pid):
    os.kill(int(sys.argv[2]), signal.SIGSTOP)


def thawed(name, shown):
    os.kill(int(sys.argv[2]), signal.SIGCONT)
    assert name != "a frozen broker" or b"does not answer within 1 s" in shown, "%s: %r" % (name, shown[-200:])


session("a frozen broker", freeze, thawed, 1 << 8)
session("q, with a frozen broker", lambda fd, pid: (freeze(fd, pid), os.write(fd, b"q")), thawed, 0)


def suspend(fd, pid):
    os.write(fd, b"\x1a")
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    os.write(fd, b"q")


def left_and_entered_again(name, shown):
    assert shown.count(ENTER) == 2, "%s: %r" % (name, shown)


session("Ctrl-Z", suspend, left_and_entered_again, 0)
