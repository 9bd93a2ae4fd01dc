#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A worker that is no C program, written from common/PROTOCOL.md: worker.py ENDPOINT QUEUE [BROKER_KEY]"""
import collections, concurrent.futures as futures, io, msgpack, os, re, secrets, socket, sys, zmq
from time import monotonic as now
HELLO, WELCOME, REFUSED, OPEN_LANE, LANE, BEAT, BYE, REVOKE, ATTACH = 1, 2, 3, 7, 8, 18, 19, 25, 42
DONE, CHUNKS, STOPPED = 33, 34, 35

def work(rows):  # the results of some rows: put your own here
    return [sum(rows)]

def answer(is_wanted, chunk, first, count):  # outcome and bytes, for DONE
    try:
        assert is_wanted, "not begun"
        return 0, b"".join(map(msgpack.packb, work(msgpack.unpackb(chunk, strict_map_key=False)[first:first + count])))
    except Exception as why:
        return 1, msgpack.packb(repr(why)[:1000])

def keys_of(broker_key):  # with the pair that `eisenmp keys new` has made here
    with open((os.environ.get("EISENMP_KEYS") or os.path.expanduser("~/.config/eisenmp")) + "/self.key") as file:
        return [key.encode() for key in (broker_key, *re.findall(r'(?:public|secret)-key = "(.{40})"', file.read()))]

def main(endpoint, queue, broker_key=None):
    def dial(kind, to):
        s = zmq.Context.instance().socket(kind)
        s.linger, s.sndhwm, s.rcvhwm, s.ipv6, s.tcp_keepalive, s.tcp_keepalive_idle = 1000, 0, 0, True, 1, 5
        if keys:
            s.curve_serverkey, s.curve_publickey, s.curve_secretkey = keys
        for readable in (s, s.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)):
            poller.register(readable, zmq.POLLIN)
        s.connect(to)  # again and again, by itself and without a word: but what was under way is lost
        return s
    def say(to, kind, *fields):
        to.send(msgpack.packb([2, kind, run, *fields]))
    keys, remote, poller = broker_key and keys_of(broker_key), endpoint.startswith("tcp:"), zmq.Poller()
    run, session, lane, window, pull, stopped = 0, secrets.randbits(64) or 1, None, 1, None, False
    todo, revoked, at_work, pool = collections.deque(), set(), None, futures.ThreadPoolExecutor(1)
    cut, heard, beat, dead, due, door = 2**(20 if remote else 28), now(), 1, 10, 2**60, dial(zmq.DEALER, endpoint)
    say(door, HELLO, session, 0, 3, f"py-{os.getpid()}", socket.gethostname()[:64], os.getpid(), endpoint)
    while not stopped or todo or at_work:
        if now() >= due:
            due = now() + beat
            say(door, BEAT)
        if at_work and futures.wait([at_work], beat / 4).done:
            (outcome, result), at_work = at_work.result(), None
            window = min(window + 1, 64) if now() - begun < 0.01 else 1  # fast chunks come ahead, slow ones do not
            done = [2, DONE, run, session, lane, window, 0, 1, *part[:2], outcome, len(result), 0]
            push.send_multipart([msgpack.packb(done)] + [result[i:i + cut] for i in range(0, len(result) or 1, cut)])
        if todo and not at_work:
            (part, chunk), begun = todo.popleft(), now()
            at_work = pool.submit(answer, tuple(part[:2]) not in revoked, chunk, *part[5:])
        ready = dict(poller.poll(0 if at_work else 250 * beat))
        broke = ready and not ready.keys() & {door, pull}  # a monitor alone: what came before is heard first
        if broke or door not in ready and now() - heard > dead:
            sys.exit(f"{endpoint}: silent, or the connection broke, or the keys do not fit")
        version, kind, its_run, *fields = msgpack.unpackb(door.recv()) if door in ready else [0, 0, 0]
        if version == 2 and (run in (0, its_run) or kind == REFUSED):
            heard = now()
            if kind == WELCOME:
                run, beat, dead, due = its_run, fields[0] / 1000, fields[1] / 1000, 0
                say(door, OPEN_LANE, queue, window)
            elif kind == LANE and fields[1] == 0:
                lane, pull = fields[2], dial(zmq.DEALER if remote else zmq.PULL, fields[3] or endpoint)
                push = pull if remote else dial(zmq.PUSH, fields[4])
                if remote:
                    say(pull, ATTACH, session, lane)
            elif kind in (LANE, REFUSED):
                sys.exit(0 if fields[0] == 5 else f"{endpoint} refuses: {fields}")
            elif kind == REVOKE:
                revoked.add(tuple(fields[1:]))
        header, payload = pull.recv_multipart() if pull in ready else (b"\x94\0\0\0\0", b"")
        version, kind, its_run, its_lane, *fields = msgpack.unpackb(header)
        if (version, its_run, its_lane) == (2, run, lane):
            stopped = stopped or kind == STOPPED
            parts, data = range(2, len(fields) if kind == CHUNKS else 0, 7), io.BytesIO(payload)
            todo.extend((fields[i:i + 7], data.read(fields[i + 3])) for i in parts)
    say(door, BYE, "")

if __name__ == "__main__":
    main(*sys.argv[1:])
