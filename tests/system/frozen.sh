# A process that is stopped for longer than DEAD_AFTER is given up: the run goes on without it, to the right result. When it
# wakes up it leaves and is started anew; when it does not, it is killed when the run is over, and nobody waits for it.
. "$EMP_SOURCE/tests/system/lib.bash"
each_method
silence () { read -rt 1.6 <><(:); } # longer than DEAD_AFTER, which is what is tested

# frozen <name> <tickets>: starts a run of two workers that a grace would make very long; its pid in $pid, a slot in $victim.
frozen ()
{
    job "$1.yaml" pace "$2" 1 "PROCS_MAX: 2" "BEAT: 0.2" "DEAD_AFTER: 1" "STOP_GRACE: 600" "toolbox: {chunk_us: 3000}"
    "$eisenmp" run "$1.yaml" >"$1.out" 2>"$1.err" &
    pid=$!
    until_true 20 at_least 2 "slots $pid"
    victim=$(slots $pid | head -n 1)
}
check ()
{
    wait "$pid"
    expect "$1: exit code" $? 0
    every_ticket_once "$1" "$1.out" "$2"
}
lost () { sed -n '/^--- Workers lost/,/^--- [^W]/s/^\(Process-[12]\) (pid \([0-9]*\)): was silent.*/\2/p' "$1.out"; }

frozen wakes 2000
kill -STOP "$victim"
silence
kill -CONT "$victim"
until_true 20 is_over "$victim"
until_true 20 at_least 2 "slots $pid | grep -vx $victim"
check wakes 2000
expect "wakes: the one that was given up, once" "$(lost wakes)" "$victim"

frozen sleeps 600
kill -STOP "$victim"
begin=$SECONDS
check sleeps 600
expect "sleeps: the one that was given up, once" "$(lost sleeps)" "$victim"
grep -q "(pid $victim): was silent, peak memory [0-9.]* MiB" sleeps.out || fail "sleeps: no peak memory: $(tail -n 3 sleeps.out)"
[ $((SECONDS - begin)) -le 20 ] || fail "sleeps: it waited for the one that was given up"
is_over "$victim" || fail "sleeps: it is still there"

# All slots of a host: nobody else would do their work, so what they cannot do waits for those that take their place.
frozen both 600
kill -STOP $(slots $pid)
silence
kill -CONT $(slots $pid)
check both 600

# A row that freezes whoever gets it: once nobody is left to work, those who were given up are replaced without the grace that they
# would have to wake up.
job row.yaml trouble 1000 10 "PROCS_MAX: 2" "BEAT: 0.1" "DEAD_AFTER: 0.5" "ATTEMPTS_MAX: 3" "toolbox: {trouble: stop, at: 55}"
begin=$SECONDS
"$eisenmp" run row.yaml >row.out 2>row.err
expect "row: exit code" $? 1
expect "row: tickets answered" "$(tickets row.out | cksum)" "$(seq 0 99 | grep -vx 5 | cksum)"
grep -q '_TID_5: 3 attempts: worker was silent' row.out || fail "row: $(grep _TID_5 row.out)"
[ $((SECONDS - begin)) -le 20 ] || fail "row: took $((SECONDS - begin)) s"

# The supervisor is one process like any other: given up with its slots, and another one is started in its place.
frozen supervisor 600
boss=$(children $pid)
kill -STOP "$boss"
check supervisor 600
is_over "$boss" || fail "supervisor: it is still there"
finish
