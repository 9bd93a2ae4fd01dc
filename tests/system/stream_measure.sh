# A generator of 100 million rows streams through in constant memory: RSS of the manager flat within 5 %.
. "$EMP_SOURCE/tests/system/lib.bash"
rows=${EMP_STREAM_ROWS:-100000000}
job stream.yaml pace 10 10000 "RESULTS_STORE: false" "toolbox: {count: $rows}"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: numbers}|; s/RESULTS_DICT_PRINT: true/RESULTS_DICT_PRINT: false/" stream.yaml
"$eisenmp" run stream.yaml >out 2>err &
pid=$!
until_true 20 at_least 2 "slots $pid"
rss () { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null; }
samples=()
while [ -d "/proc/$pid" ] && now=$(rss) && [ -n "$now" ]; do
    samples+=("$now")
    read -rt 0.1 <><(:)
done
wait $pid
expect "exit code" $? 0
n=${#samples[@]}
[ "$n" -ge 20 ] || fail "only $n samples: too short to say anything"
# The first fifth is the filling of queues and credit.
printf '%s\n' "${samples[@]:$((n / 5))}" | sort -n | awk -v n="$n" '{ v[NR] = $1 } END {
    spread = (v[NR] - v[1]) / v[1] * 100
    printf "manager RSS: %d to %d KiB in %d samples, spread %.1f %%\n", v[1], v[NR], n, spread
    exit spread > 5 }' || fail "the manager's memory is not flat"
finish
