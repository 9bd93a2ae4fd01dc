# One worker of four is ten times slower: makespan at most 1.10 of the ideal (the work over the sum of the workers' rates).
. "$EMP_SOURCE/tests/system/lib.bash"
tickets=2000
job pace.yaml pace $tickets 1 "PROCS_MAX: 4" "toolbox: {chunk_us: 2000, slow: 3}"

# The time from the first chunk in hand to the last: what the run takes less what a run of 4 chunks takes.
took () { local b; b=$(date +%s%6N); "$eisenmp" run "$1" >out 2>err || fail "$1: exit code $?"; echo $(($(date +%s%6N) - b)); }
sed 's/count: [0-9]*/count: 4/; s/chunk_us: [0-9]*/chunk_us: 0/' pace.yaml >empty.yaml

# A sleep of 2 ms takes a little longer, and as long in the ideal: the rate of one worker is measured, not assumed.
sed 's/PROCS_MAX: 4/PROCS_MAX: 1/; s/slow: 3/slow: 9/; s/count: [0-9]*/count: 200/' pace.yaml >one.yaml
best=
for _ in 1 2 3; do
    start=$(took empty.yaml)
    one=$(($(took one.yaml) - start))
    all=$(($(took pace.yaml) - start))
    every_ticket_once pace out $tickets
    # ideal = tickets * (one / 200) / 3.1
    ratio=$(awk -v all=$all -v one=$one -v n=$tickets 'BEGIN { printf "%.3f", all / (n * one / 200 / 3.1) }')
    echo "makespan / ideal: $ratio"
    [ -z "$best" ] || [ "$(awk -v a="$ratio" -v b="$best" 'BEGIN { print a < b }')" = 1 ] && best=$ratio
done
awk -v best="$best" 'BEGIN { exit best > 1.10 }' || fail "makespan / ideal: best of three $best, expected at most 1.10"

# The first 300 chunks take no time, the last 60 take 50 ms each: what a worker took while they were fast is handed over.
job shift.yaml pace 360 1 "PROCS_MAX: 4" "toolbox: {chunk_us: 50000, from: 300}"
best=
for _ in 1 2 3; do
    start=$(took empty.yaml)
    all=$(($(took shift.yaml) - start))
    every_ticket_once shift out 360
    ratio=$(awk -v all=$all 'BEGIN { printf "%.3f", all / (60 * 50000 / 4) }')
    echo "makespan / ideal after a shift: $ratio"
    [ -z "$best" ] || [ "$(awk -v a="$ratio" -v b="$best" 'BEGIN { print a < b }')" = 1 ] && best=$ratio
done
awk -v best="$best" 'BEGIN { exit best > 1.5 }' || fail "makespan / ideal after a shift: best of three $best, expected at most 1.5"
finish
