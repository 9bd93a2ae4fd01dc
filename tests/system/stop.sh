# SIGINT once drains, twice stops; a module that never returns is killed when its time is up; nothing is left behind.
. "$EMP_SOURCE/tests/system/lib.bash"

# While the job file is read, which here never ends, a signal ends the program.
if [ -z "${method:-}" ]; then
    mkfifo job.yaml
    "$eisenmp" run job.yaml >load.out 2>load.err &
    pid=$!
    exec 9>job.yaml # it has opened the other end
    kill -TERM $pid
    until_true 20 is_over $pid || kill -KILL $pid
    wait $pid
    expect "load: exit code" $? 143
    exec 9>&-

    # A manager that dies before its broker has answered: the supervisor does not wait for the answer.
    mkdir -m 700 early
    bash -c '"$0" worker --connect "ipc://$PWD/early/door" --child-of $$ --directory "$PWD/early" --session 1 --procs 1 &
        echo $! >supervisor; wait' "$EMP_BIN/eisenmp" &
    pid=$!
    until_true 20 test -s supervisor
    supervisor=$(cat supervisor)
    until_true 20 at_least 1 "grep -ls emp-watch /proc/$supervisor/task/*/comm"
    kill -KILL $pid
    until_true 5 is_over "$supervisor"
    [ ! -e early ] || fail "early: the folder is still there"
fi
each_method

# Drain: an endless generator, one SIGINT: what was handed out is finished, exit 1, the dictionary has no hole but the end.
job drain.yaml pace 10 10 "PROCS_MAX: 2" "toolbox: {chunk_us: 1000, mark: begun}"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: numbers}|" drain.yaml
"$eisenmp" run drain.yaml >drain.out 2>drain.err &
pid=$!
until_true 20 at_least 2 "slots $pid"
until_true 20 test -s begun # so something was handed out
kill -INT $pid
wait $pid
expect "drain: exit code" $? 1
answered=$(tickets drain.out | wc -l)
[ "$answered" -gt 0 ] || fail "drain: nothing was answered"
every_ticket_once drain drain.out "$answered"
expect "drain: the first that is missing" "$(grep -m 1 '^mp_input_q' drain.out)" "mp_input_q (default);_TID_$answered"
grep -q 'once more to stop' drain.err || fail "drain: nothing was said"
expect "drain: no worker was lost" "$(grep -c 'Workers lost' drain.out)" 0

# A wedged module: the first SIGINT drains for STOP_GRACE, then the worker is killed; the ticket is named.
job wedge.yaml trouble 1000 10 "PROCS_MAX: 2" "STOP_GRACE: 0.5" "toolbox: {trouble: wedge, at: 5}"
"$eisenmp" run wedge.yaml >wedge.out 2>wedge.err &
pid=$!
until_true 20 at_least 2 "slots $pid"
kill -INT $pid
wait $pid
expect "wedge: exit code" $? 1
grep -q '^mp_input_q (default);_TID_0$' wedge.out || fail "wedge: the ticket is not named as missing"

# Twice: stops at once, though the grace is long.
sed 's/STOP_GRACE: .*/STOP_GRACE: 600/' wedge.yaml >twice.yaml
"$eisenmp" run twice.yaml >twice.out 2>twice.err &
pid=$!
until_true 20 at_least 2 "slots $pid"
kill -INT $pid
until_true 20 grep -q 'once more to stop' twice.err
kill -INT $pid
wait $pid
expect "twice: exit code" $? 1
grep -q '^mp_input_q (default);_TID_0$' twice.out || fail "twice: the ticket is not named as missing"

# With processes of the modules' own that are in sessions of their own: whatever ends a run, none of them is there afterwards.
# family_of <name> <trouble> <STOP_GRACE> [count]: starts such a run, its pid in $pid, and waits for the one that a module
# leaves behind. Its generator has no end, or is stuck behind so many numbers.
family_of ()
{
    local name=$1 generator=numbers
    [ -z "${4:-}" ] || generator=stuck
    job "$name.yaml" trouble 1000 10 "PROCS_MAX: 2" "STOP_GRACE: $3" "toolbox: {trouble: $2, ${4:+count: $4, }at: 5}"
    sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: $generator}|" "$name.yaml"
    "$eisenmp" run "$name.yaml" >"$name.out" 2>"$name.err" &
    pid=$!
    until_true 20 at_least 2 "slots $pid"
    until_true 20 has_grandchild
    supervisor=$(children $pid)
}
has_grandchild () { for p in $(family); do [ "$(cut -d' ' -f6 "/proc/$p/stat" 2>/dev/null)" = "$p" ] && return; done; return 1; }
# ended <name> <since> <ms>: it has exited with 1 after no more than so many milliseconds, and nothing is left. (The times are
# those that worker/README.md names, and half a second more for a machine with other work on it.)
ended ()
{
    wait $pid
    expect "$1: exit code" $? 1
    local took=$(($(now_ms) - $2))
    [ -n "$EMP_SANITIZE" ] || [ $took -le "$3" ] || fail "$1: took $took ms, not $3"
    expect "$1: left behind" "$(family)" ""
}
signal () { kill -INT $pid; until_true 20 grep -q "$1" "$2"; }

family_of once grandchild 600
begin=$(now_ms)
kill -INT $pid
ended once "$begin" 5000

family_of grace family 0.5
begin=$(now_ms)
kill -INT $pid
ended grace "$begin" 2000

family_of second family 600
signal 'once more to stop' second.err
begin=$(now_ms)
kill -INT $pid
ended second "$begin" 1500
grep -q '^mp_input_q (default);_TID_0$' second.out || fail "second: the ticket is not named as missing"

# A supervisor that does not move does not hold it up: a second later its end is made without it.
family_of stopped family 600
signal 'once more to stop' stopped.err
kill -STOP "$supervisor"
begin=$(now_ms)
kill -INT $pid
ended stopped "$begin" 2500

options=${TSAN_OPTIONS:-}
export TSAN_OPTIONS="$options:report_thread_leaks=0" # it does not wait for its threads
family_of third family 600
export TSAN_OPTIONS="$options"
kill -STOP "$supervisor"
signal 'once more to stop' third.err
signal 'eisenmp: stopping' third.err
begin=$(now_ms)
kill -INT $pid
ended third "$begin" 1500

# kill -9 of the manager: its workers, their setsid children and the folder of sockets go (with_reports.sh looks).
family_of orphan grandchild 600 100
kill -KILL $pid
wait $pid 2>/dev/null
begin=$(now_ms)
until_true 20 no_family
took=$(($(now_ms) - begin))
[ -n "$EMP_SANITIZE" ] || [ $took -le 2000 ] || fail "orphan: what the workers have started was there for $took ms"
until_true 20 test ! -e "/proc/$supervisor"

# kill -9 of the supervisor: what its workers have started goes, and the run goes on with another one.
family_of boss grandchild 0.5 100
left=$(family)
begin=$(now_ms)
kill -KILL "$supervisor"
for p in $left; do until_true 20 is_over "$p"; done
took=$(($(now_ms) - begin))
[ -n "$EMP_SANITIZE" ] || [ $took -le 2000 ] || fail "boss: what the workers have started was there for $took ms"
until_true 20 at_least 2 "slots $pid"
kill -INT $pid
ended boss "$(now_ms)" 5000
every_ticket_once boss boss.out 10

# SIGTERM of a worker by somebody else: it leaves after its chunk and is started anew; SIGSTOP of the manager for longer
# than DEAD_AFTER: the run goes on.
job term.yaml pace 900 1 "PROCS_MAX: 2" "BEAT: 0.2" "DEAD_AFTER: 1" "toolbox: {chunk_us: 3000}"
"$eisenmp" run term.yaml >term.out 2>term.err &
pid=$!
until_true 20 at_least 2 "slots $pid"
victim=$(slots $pid | head -n 1)
kill -TERM "$victim"
until_true 20 is_over "$victim"
kill -STOP $pid
read -rt 2 <><(:) # the silence is what is tested
kill -CONT $pid
wait $pid
expect "term: exit code" $? 0
every_ticket_once term term.out 900
grep -q "(pid $victim): exited with 0" term.out || fail "term: the worker that left is not in the report: $(tail -n 5 term.out)"
expect "term: nobody else was lost" "$(grep -c '^Process-[12] (pid' term.out)" 1

# A generator that never comes back: drain ends all the same.
job stuck.yaml trouble 10 10 "PROCS_MAX: 1" "STOP_GRACE: 0.5" "toolbox: {count: 100}"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: stuck}|" stuck.yaml
"$eisenmp" run stuck.yaml >stuck.out 2>stuck.err &
pid=$!
until_true 20 at_least 1 "slots $pid"
kill -INT $pid
wait $pid
expect "stuck: exit code" $? 1

# A generator that fails: what came before is answered, exit 1, the reason is said.
sed 's/generator_ref: stuck/generator_ref: fails/' stuck.yaml >fails.yaml
"$eisenmp" run fails.yaml >fails.out 2>fails.err
expect "fails: exit code" $? 1
every_ticket_once fails fails.out 10
grep -q 'no more after 100' fails.err || fail "fails: the reason is not said"
sed 's/generator_ref: stuck/generator_ref: two/' stuck.yaml >two.yaml
"$eisenmp" run two.yaml >two.out 2>two.err
expect "two: exit code" $? 1
grep -q 'exactly one' two.err || fail "two: the reason is not said: $(cat two.err)"
finish
