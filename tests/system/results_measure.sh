# Many results with a small bound: the dictionary is complete, the report is printed, the manager's memory stays at the bound
# and what it needs beside. By hand in full: EMP_RESULTS_COUNT=10000000 EMP_RESULTS_BOUND=67108864.
. "$EMP_SOURCE/tests/system/lib.bash"
count=${EMP_RESULTS_COUNT:-2000000}
bound=${EMP_RESULTS_BOUND:-4194304}
job many.yaml pace "$count" 1 "PROCS_MAX: 2" "RESULTS_BYTES_MAX: $bound"
SECONDS=0
"$eisenmp" run many.yaml >many.out 2>many.err &
pid=$!
# What the kernel says is the highest so far, so the last look sees all of it.
while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    highest=$now
    read -rt 0.05 <><(:)
done
wait $pid
expect "exit code" $? 0
echo "$count results, bound $((bound / 1024)) KiB: manager RSS at most $highest KiB, $SECONDS s"
# In memory alone 2 million tickets take 97 MiB.
[ "$highest" -le $((bound / 1024 + 40960)) ] || fail "the manager's RSS is more than the bound and 40 MiB"
every_ticket_once many many.out "$count"
finish
