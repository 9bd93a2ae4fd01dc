# The worker of examples/python, written from PROTOCOL.md alone, beside worker processes of ours: over ipc, and over tcp under a key.
. "$EMP_SOURCE/tests/system/lib.bash"
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0"; done
python=
for each in python3 /usr/bin/python3; do
    [ -n "$python" ] || { "$each" -c 'import msgpack, sqlite3, zmq; assert zmq.has ("curve")' 2>import.txt && python=$each; }
done
[ -n "$python" ] || skip "no python3 with zmq (and CURVE) and msgpack (packages python3-zmq, python3-msgpack)"
export PYTHONPATH=$EMP_SOURCE/examples/python PYTHONDONTWRITEBYTECODE=1

mkdir here there
export EISENMP_KEYS=$PWD/here
there () { EISENMP_KEYS=$PWD/there EISENMP_CACHE=$PWD/there/cache "$@"; }
here_key=$("$eisenmp" keys new 2>/dev/null)
"$eisenmp" keys allow "$(there "$eisenmp" keys new 2>/dev/null)" --name there 2>allow.err || fail "keys allow"

# begin <name> [options…]: a run of <name>.yaml; $pid, $url and $door once there are both ways in.
begin ()
{
    local name=$1
    shift
    "$eisenmp" run --listen 'tcp://127.0.0.1:*' --results "$name.db" "$@" "$name.yaml" >"$name.out" 2>"$name.err" &
    pid=$!
    until_true 20 grep -qs 'workers of other hosts' "$name.err"
    url=$(sed -n 's/.*--connect \(tcp:[^ ]*\).*/\1/p' "$name.err")
    door=ipc://$(echo "$TMPDIR"/eisenmp-*/door)
}
# worker <log> <how it works> <endpoint> [key]: with another function than the example's, in Python; $worker.
worker ()
{
    local log=$1 work=$2
    shift 2
    EISENMP_KEYS=$PWD/there "$python" -c "import os, sys, time, worker
work = $work
worker.work = lambda rows: (print ('begun', flush = True), work (rows))[1]
worker.main (*sys.argv[1:])" "$1" mp_input_q ${2:+"$2"} >"$log.log" 2>&1 &
    worker=$!
}
ended () { wait "$2"; expect "$1: exit code" $? "$3" || { cat "$1".log "$1".err 2>/dev/null; false; }; }
# both <name> <exit code of the run> <log>: the worker leaves in good order, then the run has ended; it would wait for another one.
both () { ended "$3" $worker 0 || kill -INT $pid; ended "$1" $pid "$2"; }
ask () { "$python" -c 'import sqlite3, sys; print (*sqlite3.connect (sys.argv[1]).execute (sys.argv[2]).fetchone ())' "$1" "$2"; }
entries () { sed -n "s/^  \(('_TID.*)\).*/\1/p" "$1" | sort; }

# Three sorts of workers earn the same dictionary, whoever did what. Those in Python wait with their first chunk for a C worker to have
# done one, so that each has its share.
job mixed.yaml tally 4000 10 "SPECULATE: false" "toolbox: {chunk_us: 2000, tally: $PWD/tally.txt}"
"$eisenmp" run mixed.yaml >quiet.out 2>quiet.err
expect "a quiet run" $? 0
rm -f tally.txt
begin mixed --procs 0
late='lambda rows: ([time.sleep (0.005) for i in iter (lambda: os.path.exists ("tally.txt"), True)], [sum (rows)])[1]'
worker tcp "$late" "$url" "$here_key"
tcp=$worker
worker ipc "$late" "$door"
ipc=$worker
until_true 20 at_least 2 'grep -l begun tcp.log ipc.log'
there "$eisenmp-worker" --connect "$url" --procs 1 --broker-key "$here_key" >c.log 2>&1 &
c=$!
until_true 20 test -e tally.txt || touch tally.txt
ended tcp $tcp 0
ended ipc $ipc 0
ended c $c 0 || kill -INT $pid # nobody is left
ended mixed $pid 0
every_ticket_once mixed mixed.out 400
cmp -s <(entries quiet.out) <(entries mixed.out) || fail "mixed: another dictionary"
for each in Process-1 py-$tcp py-$ipc; do
    [ "$(ask mixed.db "SELECT count (*) FROM tickets WHERE worker = '$each'")" -gt 0 ] || fail "mixed: $each has earned nothing"
done

# A chunk takes longer than silence may: it beats meanwhile. Results larger than a frame come in several.
job slow.yaml tally 4 2 "DEAD_AFTER: 1" "BEAT: 0.1" "SPECULATE: false"
begin slow --procs 0
worker slow_worker 'lambda rows: (time.sleep (1.7), ["x" * (2 ** 20 + 7 + rows[0])])[1]' "$url" "$here_key"
both slow 0 slow_worker
expect "slow: attempts that were no answers" "$(ask slow.db 'SELECT count (*) FROM attempts')" 0
expect "slow: bytes of results" "$(ask slow.db 'SELECT sum (length (value)) FROM results')" $((2 * (2 ** 20 + 7) + 2))

# A chunk that has killed the C worker twice goes on in halves; those that are left when that one's host is gone are the Python worker's.
job halved.yaml trouble 8192 4096 "DEAD_AFTER: 1" "BEAT: 0.1" "SPECULATE: false" "toolbox: {trouble: segv, at: 5000}"
begin halved --procs 0
there "$eisenmp-worker" --connect "$url" --procs 1 --broker-key "$here_key" >crash.log 2>&1 &
c=$!
until_true 20 at_least 2 'grep signal crash.log'
kill -KILL $c
wait $c 2>/dev/null
worker halves 'lambda rows: [sum (rows)]' "$url" "$here_key"
both halved 0 halves
expect "halved: rows" "$(ask halved.db 'SELECT sum (rows) FROM parts')" 8192
expect "halved: the sum" "$(ask halved.db 'SELECT sum (value) FROM results')" $((8191 * 4096))
expect "halved: parts that are right" "$(ask halved.db "SELECT count (*) > 0, min (value = json_array (rows * (4096 * ticket + from_row) + rows * (rows - 1) / 2)) \
    FROM parts WHERE outcome = 'done' AND rows < 4096 AND worker = 'py-$worker'")" "1 1"

# What it cannot do it refuses, with a reason.
job refused.yaml tally 2 1
begin refused --procs 0
worker refusing 'lambda rows: [1 // rows[0]]' "$url" "$here_key"
both refused 1 refusing
grep -q ZeroDivisionError refused.err refused.out || { fail "refused: no word of why"; cat refused.err; }

# The manager goes, and the key is not the right one.
job gone.yaml tally 10000 1 "toolbox: {chunk_us: 10000}"
begin gone --procs 1
worker left 'lambda rows: [time.sleep (0.01)]' "$url" "$here_key"
until_true 20 grep -qs begun left.log
kill -KILL $pid
wait $pid 2>/dev/null
ended left $worker 1
until_true 20 no_family
mkdir stranger
EISENMP_KEYS=$PWD/stranger "$eisenmp" keys new >stranger.txt 2>&1
job keys.yaml tally 10 1
begin keys --procs 0
EISENMP_KEYS=$PWD/stranger "$python" "$EMP_SOURCE/examples/python/worker.py" "$url" mp_input_q "$here_key" >stranger.log 2>&1
expect "a key that is not allowed" $? 1
grep -q 'the keys do not fit' stranger.log || { fail "a key that is not allowed: no word of it"; cat stranger.log; }
kill -INT $pid
wait $pid
finish
