# Workers of another host, over loopback and under keys: with modules that only the manager's side has, killed and cut off in the middle.
. "$EMP_SOURCE/tests/system/lib.bash"
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0:handle_abort=0"; done

# Two hosts, as far as files go.
mkdir here there
export EISENMP_KEYS=$PWD/here
there () { EISENMP_KEYS=$PWD/there EISENMP_CACHE=$PWD/there/cache "$@"; }
here_key=$("$eisenmp" keys new 2>/dev/null)
there_key=$(there "$eisenmp" keys new 2>/dev/null)
"$eisenmp" keys allow "$there_key" --name there 2>allow.err || fail "keys allow"

# begin <name> <job file> [options…]: a run that others may join; $pid, and $url once it listens.
begin ()
{
    local name=$1 file=$2
    shift 2
    "$eisenmp" run --listen 'tcp://127.0.0.1:*' "$@" "$file" >"$name.out" 2>"$name.err" &
    pid=$!
    until_true 20 grep -qs 'workers of other hosts' "$name.err"
    url=$(sed -n 's/.*--connect \(tcp:[^ ]*\).*/\1/p' "$name.err")
}
# join <name> <n> [options…]: a supervisor of the other host; $worker.
join ()
{
    local name=$1 procs=$2
    shift 2
    EISENMP_KEYS=$PWD/there EISENMP_CACHE=$PWD/there/cache "$eisenmp-worker" --connect "$url" --procs "$procs" \
        "${@:---broker-key=$here_key}" >"$name.log" 2>&1 &
    worker=$!
}
ended () # <name> <exit code>
{
    wait $pid
    expect "$1: exit code" $? "$2"
}
left () # <name> <exit code>: the supervisor has
{
    wait $worker
    expect "$1: the worker's exit code" $? "$2" || cat "$1.log"
}

# Modules come once, by their hash; the second run finds them.
job numbers.yaml trouble 2000 10
begin first numbers.yaml --procs 0
join first 2
ended first 0
left first 0
every_ticket_once first first.out 200
expect "first: modules in the cache" "$(find there/cache -type f -size +0 | wc -l)" 1
before=$(stat -c %i there/cache/[0-9a-f]*)
begin second numbers.yaml --procs 0
join second 2
ended second 0
left second 0
every_ticket_once second second.out 200
expect "second: the module was here" "$(stat -c %i there/cache/[0-9a-f]*)" "$before"
entries () { sed -n "s/^  \(('_TID.*)\).*/\1/p" "$1" | sort; }
cmp -s <(entries first.out) <(entries second.out) || fail "a run with workers of another host has another dictionary"

# A damaged module is brought again.
chmod 600 there/cache/[0-9a-f]*
printf x | dd of="$(ls there/cache/[0-9a-f]*)" bs=1 seek=100 conv=notrunc 2>dd.err
begin damaged numbers.yaml --procs 0
join damaged 1
ended damaged 0
left damaged 0
every_ticket_once damaged damaged.out 200

# Large attributes come too, and are in memory once.
seq 100000 >words.txt
seq 0 4999 99999 >rows.txt
job words.yaml words 20 1 "toolbox: {words: !lines words.txt}"
sed -i 's/range: .*/lines: rows.txt}/' words.yaml # that module's rows are texts
"$eisenmp" run words.yaml >quiet.out 2>quiet.err
expect "words: a quiet run" $? 0
begin words words.yaml --procs 0
join words 2
ended words 0
left words 0
cmp -s <(entries quiet.out) <(entries words.out) || { fail "words: another dictionary"; diff quiet.out words.out | head -5; }

# Workers that are killed, and a supervisor that is, with all it has: what they held is done by others.
job slow.yaml pace 600 1 "toolbox: {chunk_us: 10000}" "DEAD_AFTER: 1" "BEAT: 0.1"
begin killed slow.yaml --procs 1
join killed 2
until_true 20 at_least 2 "children $worker"
kill -KILL $(children $worker | head -n 1)
until_true 20 at_least 2 "children $worker"
first=$worker
join other 1
until_true 20 at_least 1 "children $worker"
kill -KILL "$first"
wait "$first" 2>/dev/null
ended killed 0
left other 0
every_ticket_once killed killed.out 600

# The manager is killed: the other host's processes go, and nothing else happens.
begin gone slow.yaml --procs 0
join gone 2 "--broker-key=$here_key" --wait 3
until_true 20 at_least 2 "children $worker"
kill -KILL $pid
wait $pid 2>/dev/null
left gone 1
grep -q "the broker at $url is gone" gone.log || { fail "gone: it does not say so"; cat gone.log; }

# Keys that are not right, and none.
begin keys slow.yaml --procs 1
stranger=$(EISENMP_KEYS=$PWD/stranger "$eisenmp" keys new 2>/dev/null)
EISENMP_KEYS=$PWD/stranger EISENMP_CACHE=$PWD/there/cache "$eisenmp-worker" --connect "$url" --broker-key "$here_key" >stranger.log 2>&1
expect "a key that is not allowed" $? 2
grep -q 'does not know this host' stranger.log || { fail "a key that is not allowed: no word of it"; cat stranger.log; }
until_true 10 grep -qF "$stranger" keys.err
there "$eisenmp-worker" --connect "$url" --broker-key "$stranger" --wait 0.5 >wrong.log 2>&1
expect "another key of the broker" $? 2
grep -q 'another key' wrong.log || { fail "another key of the broker: no word of it"; cat wrong.log; }
there "$eisenmp-worker" --connect "$url" --insecure --wait 0.5 >insecure.log 2>&1
expect "without keys" $? 2
there "$eisenmp-worker" --connect "$url" >no_key.log 2>&1
expect "no key of the broker" $? 2
grep -q -e '--broker-key KEY' no_key.log || { fail "no key of the broker: no word of it"; cat no_key.log; }
there "$eisenmp-worker" --connect "$url" --broker-key "@$(printf %039d 1)" --wait 0.5 >at.log 2>&1
expect "a key that begins with @" $? 2
grep -q 'another key' at.log || { fail "a key that begins with @: no word of it"; cat at.log; }
there "$eisenmp-worker" --connect "$url" --broker-key short >short.log 2>&1
expect "a key that is none" $? 2
kill -INT $pid
wait $pid

# A key that is revoked while its workers are at work.
begin revoked slow.yaml --procs 1
join revoked 1
until_true 20 at_least 1 "children $worker"
"$eisenmp" keys revoke there 2>>allow.err || fail "keys revoke"
ended revoked 0
every_ticket_once revoked revoked.out 600
grep -q 'allowed no more' revoked.err || { fail "revoked: no word of it"; cat revoked.err; }
left revoked 1 # it dials again, and is not let in
"$eisenmp" keys allow "$there_key" --name there 2>>allow.err

# Without keys, when both sides say so.
begin open numbers.yaml --procs 0 --insecure
join open 1 --insecure
ended open 0
left open 0
every_ticket_once open open.out 200

# What cannot be.
"$eisenmp" run --procs 0 numbers.yaml >none.out 2>none.err
expect "no workers at all" $? 2
for bad in tcp://nowhere 7654 tcp://*:99999 ipc:///tmp/x udp://1.2.3.4:5; do
    "$eisenmp" run --listen "$bad" numbers.yaml >bad.out 2>bad.err
    expect "--listen $bad" $? 2
    grep -q 'expected tcp://ADDRESS:PORT' bad.err || { fail "--listen $bad: no word of it"; cat bad.err; }
done
EISENMP_KEYS=$PWD/nothing "$eisenmp" run --listen 'tcp://127.0.0.1:*' numbers.yaml >no_pair.out 2>no_pair.err
expect "no keys here" $? 2
grep -q 'eisenmp keys new' no_pair.err || { fail "no keys here: no word of it"; cat no_pair.err; }
begin taken slow.yaml --procs 1
"$eisenmp" run --listen "$url" numbers.yaml >port.out 2>port.err
expect "the port is taken" $? 1
grep -q 'Address already in use' port.err || { fail "the port is taken: no word of it"; cat port.err; }
kill -INT $pid
wait $pid
[ -z "$(family)" ] || fail "processes are left"
finish
