# B5: kill -9 of one worker at many moments of the prime run, with each start method in turn: 239 tickets once each, 335
# primes, exit 0, and the report says who died of what.
. "$EMP_SOURCE/tests/system/lib.bash"
methods=(spawn fork forkserver)
for method in "${methods[@]}"; do
    { cat "$EMP_SOURCE/examples/prime/job.yaml"; echo "START_METHOD: $method"; } >"$method.yaml"
done
rounds=${EMP_KILL_ROUNDS:-100}
[ -z "$EMP_SANITIZE" ] || rounds=10

# How long a quiet run takes from the moment its workers are up, in microseconds.
begin=$(date +%s%6N)
"$eisenmp" run --procs 2 spawn.yaml >quiet.out 2>quiet.err || fail "the quiet run failed"
whole=$(($(date +%s%6N) - begin))

check ()
{
    expect "$1: exit code" "$2" 0
    every_ticket_once "$1" "$3" 239
    expect "$1: the same primes" "$(sed -n '/^--- Result/,/--- END/p' "$3" | sort | cksum)" \
        "$(sed -n '/^--- Result/,/--- END/p' quiet.out | sort | cksum)"
}
check quiet 0 quiet.out
expect "quiet: primes" "$(sed -n '/^--- Result/,/--- END/p' quiet.out | grep -c '^[0-9]')" 335

killed=0
for i in $(seq 1 "$rounds"); do
    method=${methods[i % 3]}
    "$eisenmp" run --procs 2 "$method.yaml" >out 2>err &
    pid=$!
    until_true 20 at_work $pid 2 || break
    # The moments are spread over the run; this wait is the moment, it waits for nothing.
    us=$((whole * i / rounds))
    read -rt "$((us / 1000000)).$(printf %06d $((us % 1000000)))" <><(:)
    victim=$(slots $pid 2>/dev/null | sed -n "$((i % 2 + 1))p")
    hit=0
    [ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null && hit=1
    wait $pid
    check "round $i, $method" $? out || { cat err; tail -n 5 out; }
    # A worker that was killed when its work was over may have left already, or be a zombie.
    if [ $hit = 1 ] && grep -q 'killed by signal 9 (Killed)' out; then
        killed=$((killed + 1))
        grep -q "^Process-[12] (pid $victim): killed by signal 9 (Killed)" out || fail "round $i, $method: not the one that was killed"
    fi
done
echo "$killed of $rounds kills hit a worker at work"
[ "$killed" -ge $((rounds / 4)) ] || fail "too few kills hit a worker: the moments are not spread over the run"
finish
