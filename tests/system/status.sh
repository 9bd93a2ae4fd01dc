# SPDX-License-Identifier: BSD-3-Clause
#
# `eisenmp status` and `eisenmp top`: what they say of a run is so, how they find it, and how they end.
. "$EMP_SOURCE/tests/system/lib.bash"
command -v python3 >/dev/null || skip "python3"
export EISENMP_KEYS=$PWD/keys
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0:handle_abort=0"; done

# value <file> <python expression over `o`, the object>
value () { python3 -c 'import json, sys; o = json.loads(open(sys.argv[1]).read().splitlines()[-1]); print(eval(sys.argv[2]))' "$1" "$2"; }
# field <file> <word> <n>: the n-th field of its last line of that word
field () { awk -F'\t' -v word="$2" -v n="$3" '$1 == word { found = $n } END { print found }' "$1"; }
# ask <name> [options…]: into <name>.st; its exit code is $code
ask () { local name=$1; shift; timeout 60 "$eisenmp" status "$@" >"$name.st" 2>"$name.why"; code=$?; }
begin () # <name> <job file> [options…]
{
    local name=$1 file=$2
    shift 2
    "$eisenmp" run "$@" "$file" >"$name.out" 2>"$name.err" &
    pid=$!
}
folder_of () { grep -lsx "pid $1" "$TMPDIR"/eisenmp-*/info; }
held () { ask "$1" --run "$2"; [ "$code" = 0 ] && [ "$(field "$1.st" tickets 6)" = "$3" ]; }
answered () { ask "$1" --run "$2"; [ "$code" = 0 ] && [ "$(field "$1.st" tickets 3)" -ge "$3" ]; }

# No such run.
ask none --run 2147483647
expect "no such run: exit code" $code 2
grep -q 'found "2147483647"' none.why || fail "no such run: said '$(cat none.why)'"
timeout 60 "$eisenmp" top --run eisenmp-NoSuch >none.top 2>&1
expect "top, no such run: exit code" $? 2
if ! grep -qs . /tmp/eisenmp-??????/info; then # those of this user that are not this test's
    ask nothing
    expect "no run at all: exit code" $code 2
    grep -q 'no run of this user is on' nothing.why || fail "no run at all: said '$(cat nothing.why)'"
fi
for bad in '--connect nowhere' '--connect tcp://foo --insecure' '--connect ipc:///no/such/door' '--wait never' '--connect tcp://h:1 --run 1' '--insecure' 'word' '--interval 1' '--count 0'; do
    # shellcheck disable=SC2086
    ask bad $bad
    expect "status $bad: exit code" $code 2
    [ -s bad.why ] || fail "status $bad: not a word"
done

# Known numbers: 40 tickets of 3 rows, two workers that sit on one each until they are let go.
mkfifo gate
job held.yaml stuck 120 3 "PROCS_MAX: 2" "toolbox: {gate: $PWD/gate}"
begin held held.yaml
run=$pid
until_true 20 folder_of $run >/dev/null
all_put () { ask all --run $run --json; [ "$code" = 0 ] && [ "$(value all.st '[o["tickets"]["put"], len([s for s in o["slots"] if s["at"]])]')" = "[40, 2]" ]; }
until_true 20 all_put
expect "answered, dead, dropped" "$(value all.st '[o["tickets"][k] for k in ("answered", "dead", "dropped")]')" "[0, 0, 0]"
expect "waiting and held" "$(value all.st 'o["tickets"]["waiting"] + o["tickets"]["held"]')" 40
expect "the queue's numbers are the run's" "$(value all.st '[[q[k] for k in ("waiting", "held", "put", "rows_put", "consumers")] for q in o["queues"] if q["name"] == "mp_input_q"] == [[o["tickets"]["waiting"], o["tickets"]["held"], 40, 120, 2]]')" True
expect "what is held is what slots hold" "$(value all.st 'sum(s["held"] for s in o["slots"]) == o["tickets"]["held"] == o["hosts"][0]["held"]')" True
expect "slots" "$(value all.st 'sorted(s["name"] for s in o["slots"])')" "['Process-1', 'Process-2']"
expect "pids" "$(value all.st '" ".join(sorted(str(s["pid"]) for s in o["slots"]))')" "$(slots $run | sort | xargs)"
expect "what they are at" "$(value all.st 'sorted(s["at"]["queue"] + str(s["at"]["attempt"]) + str(s["at"]["rows"]) for s in o["slots"])')" "['mp_input_q13', 'mp_input_q13']"
expect "run" "$(value all.st '[o["run"]["pid"], o["run"]["job"], o["run"]["state"], o["run"]["left"]]')" "[$run, 'held.yaml', 'finishing', None]"
expect "a rate of nothing" "$(value all.st 'o["tickets"]["rate"]')" 0.0
expect "this watcher is no worker" "$(value all.st '[o["watchers"], o["hosts"][0]["slots"]]')" "[1, 2]"
first=$(value all.st 'max(s["at"]["for"] for s in o["slots"])')
ask later --run $run --json
[ "$(value later.st "max(s['at']['for'] for s in o['slots']) > $first + 0.2")" = True ] || fail "time in hand does not pass"

# The same for a script, by name of folder, by folder, by the end of its name.
name=$(basename "$(dirname "$(folder_of $run)")")
for call in "$name" "$TMPDIR/$name" "${name#eisenmp-}"; do
    ask lines --run "$call"
    expect "--run $call" $code 0
    expect "--run $call: name" "$(field lines.st run 2)" "$name"
done
expect "lines: pid, job, state" "$(field lines.st run 3) $(field lines.st run 4) $(field lines.st run 5)" "$run held.yaml finishing"
expect "lines: put, answered" "$(field lines.st tickets 2) $(field lines.st tickets 3)" "40 0"
expect "lines: words" "$(cut -f1 lines.st | sort -u | xargs)" "host lost queue run slot tickets"
expect "lines: no escape sequence" "$(grep -c "$(printf '\033')" lines.st)" 0

# A worker that is killed is a loss, and its ticket is issued again.
killed=$(value later.st '[s["pid"] for s in o["slots"] if s["name"] == "Process-1"][0]')
kill -KILL "$killed"
lost () { ask lost --run $run --json; [ "$(value lost.st '[o["lost"], len(o["slots"]), o["tickets"]["reissued"] > 0]')" = "[1, 2, True]" ]; }
until_true 20 lost
expect "the loss" "$(value lost.st '[[l["name"], l["pid"], l["how"], l["code"]] for l in o["losses"]]')" "[['Process-1', $killed, 'killed by signal 9 (Killed)', 9]]"
again () { ask again --run $run --json; [ "$(value again.st 'max([s["at"]["attempt"] for s in o["slots"] if s["at"]])')" = 2 ]; }
until_true 20 again

# Two runs at once: they are listed, and each is found.
job pace.yaml pace 100000 1 "PROCS_MAX: 1" "toolbox: {chunk_us: 1000}"
begin second pace.yaml
second=$pid
until_true 20 folder_of $second >/dev/null
ask two
expect "two runs: exit code" $code 0
for one in $run $second; do
    expect "two runs: $one is listed" "$(awk -F'\t' -v p=$one '$1 == "found" && $3 == p' two.st | wc -l)" 1
done
expect "two runs: jobs" "$(awk -F'\t' -v a=$run -v b=$second '$3 == a || $3 == b { print $5 }' two.st | sort | xargs)" "held.yaml pace.yaml"
ask two --json
expect "two runs, --json" "$(value two.st "len([r for r in o['runs'] if r['pid'] in ($run, $second)])")" 2
timeout 60 "$eisenmp" top >two.top 2>two.why
expect "top of two runs: exit code" $? 2
grep -q 'which one?' two.why || fail "top of two runs: said '$(cat two.why)'"

# top, piped: blocks, a rate, and an end.
until_true 20 answered warm $second 20
timeout 60 "$eisenmp" top --run $second --interval 0.2 --count 3 >top.st 2>top.why
expect "top: exit code: $(cat top.why)" $? 0
expect "top: blocks" "$(grep -c '^run' top.st) $(grep -c '^$' top.st)" "3 3"
timeout 60 "$eisenmp" top --run $second --interval 0.5 --count 4 --json >top.json
expect "top --json: exit code" $? 0
python3 - top.json <<'P' || fail "top --json: numbers: $(cat top.json)"
import json, sys
looks = [json.loads(line) for line in open(sys.argv[1])]
assert len(looks) == 4
done = [look["tickets"]["answered"] for look in looks]
assert done == sorted(done) and done[0] < done[-1], done
for one, other in zip(looks, looks[1:]):
    ended = other["tickets"]["answered"] - one["tickets"]["answered"]
    assert abs(other["tickets"]["rate"] * other["run"]["interval"] - ended) < 0.01 * ended + 0.01, (ended, other)
    assert other["run"]["interval"] >= 0.5, other
    mean = other["tickets"]["answered"] / other["run"]["elapsed"]
    left = (other["tickets"]["waiting"] + other["tickets"]["held"]) / mean
    assert abs(other["run"]["left"] - left) < 0.01 * left + 0.01 and other["run"]["left_is_least"], (left, other)
    assert [q["rate"] for q in other["queues"] if q["name"] == "mp_input_q"] == [other["tickets"]["rate"]], other
P
timeout 60 "$eisenmp" top --run $second --interval 0.1 2>pipe.why | head -n 1 >pipe.st
expect "top into a pipe that nobody reads any more" "${PIPESTATUS[0]}:$(cat pipe.why)" "0:"

# While it drains: who is in hand is still there, and nothing waits.
kill -INT $run
draining () { ask drain --run $run --json; [ "$(value drain.st '[o["run"]["state"], o["tickets"]["waiting"]]')" = "['draining', 0]" ]; }
until_true 20 draining
expect "drain: the books" "$(value drain.st 'o["tickets"]["put"] + o["tickets"]["halved"] == sum(o["tickets"][k] for k in ("answered", "dead", "dropped", "waiting", "held"))')" True

# top, watching a run that ends.
timeout 60 "$eisenmp" top --run $run --interval 0.1 >over.st 2>over.why &
watcher=$!
until_true 20 grep -qs '^run' over.st
kill -INT $run
wait $run
wait $watcher
expect "top of a run that ends: exit code" $? 0
grep -q 'the run is over' over.why || fail "top of a run that ends: said '$(cat over.why)'"

# The same of one whose manager is killed.
timeout 60 "$eisenmp" top --run $second --interval 0.1 >killed.st 2>killed.why &
watcher=$!
until_true 20 grep -qs '^run' killed.st
kill -KILL $second
wait $second 2>/dev/null
wait $watcher
expect "top of a killed run: exit code" $? 0
grep -q 'the run is over' killed.why || fail "top of a killed run: said '$(cat killed.why)'"

# A broker that is stopped.
begin frozen pace.yaml
until_true 20 answered frozen $pid 1
kill -STOP $pid
for command in status top; do
    timeout 60 "$eisenmp" $command --run $pid --wait 0.5 >frozen.st 2>frozen.why
    expect "$command of a frozen broker: exit code" $? 1
    grep -q 'does not answer within 0.5 s' frozen.why || fail "$command of a frozen broker: said '$(cat frozen.why)'"
done
kill -CONT $pid

# On a terminal: a table that fits it, and the terminal as it was, however it ends.
python3 "$EMP_SOURCE/tests/system/terminal.py" "$eisenmp" $pid || fail "top on a terminal"
kill -INT $pid
wait $pid

# Another host: under keys, with one that is not allowed, and without any.
"$eisenmp" keys new >key 2>/dev/null
EISENMP_KEYS=$PWD/there "$eisenmp" keys new >there.key 2>/dev/null
"$eisenmp" keys allow "$(cat there.key)" --name there 2>/dev/null || fail "keys allow"
job remote.yaml pace 100000 1 "PROCS_MAX: 1" "toolbox: {chunk_us: 1000}" "BEAT: 0.1"
begin remote remote.yaml --listen 'tcp://127.0.0.1:*'
until_true 20 grep -qs 'workers of other hosts' remote.err
url=$(sed -n 's/.*--connect \(tcp:[^ ]*\).*/\1/p' remote.err)
there () { EISENMP_KEYS=$PWD/$1 timeout 60 "$eisenmp" "${@:2}"; }
remote () { there there status --connect "$url" --broker-key @key --json >remote.st 2>remote.why && [ "$(value remote.st 'o["tickets"]["answered"] > 0')" = True ]; }
until_true 20 remote
expect "remote: endpoint, slots, watchers" "$(value remote.st '[o["run"]["endpoint"], len(o["slots"]), o["watchers"]]')" "['$url', 1, 1]"
there nobody keys new >nobody.key 2>/dev/null
there nobody status --connect "$url" --broker-key @key >nobody.st 2>nobody.why
expect "a key that is not allowed: exit code" $? 2
grep -q 'eisenmp keys allow' nobody.why || fail "a key that is not allowed: said '$(cat nobody.why)'"
there there status --connect "$url" >nokey.st 2>nokey.why
expect "no key of the broker: exit code" $? 2
there there top --connect "$url" --broker-key @key --interval 0.1 >revoked.st 2>revoked.why &
watcher=$!
until_true 20 grep -qs '^run' revoked.st
"$eisenmp" keys revoke there 2>/dev/null
wait $watcher
expect "a key that is revoked meanwhile: exit code" $? 2
grep -q 'allowed no more' revoked.why || fail "a key that is revoked meanwhile: said '$(cat revoked.why)'"
"$eisenmp" keys allow "$(cat there.key)" --name there 2>/dev/null
until_true 20 remote # the broker has seen it
there there top --connect "$url" --broker-key @key --interval 0.1 >ends.st 2>ends.why &
watcher=$!
until_true 20 grep -qs '^run' ends.st
kill -INT $pid
wait $pid
wait $watcher
expect "top of a remote run that ends: exit code" $? 0
grep -q 'the run is over' ends.why || fail "top of a remote run that ends: said '$(cat ends.why)'"
grep -q 'lost' remote.out && fail "a watcher counts as a worker: $(grep lost remote.out)"
[ -z "$(family)" ] || fail "processes are left"
finish
