# A generator of 100 million rows streams through in constant memory: RSS of the manager flat within 5 %.
# The workers are a little slower than the generator, so the queue is full from the first moments on: what the manager
# holds then is its bound, and the highest RSS of the later four fifths is compared with that of the first.
. "$EMP_SOURCE/tests/system/lib.bash"
rows=${EMP_STREAM_ROWS:-100000000}
job stream.yaml pace 10 10000 "RESULTS_STORE: false" "PROCS_MAX: 2" "toolbox: {count: $rows, chunk_us: 1500}"
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
printf '%s\n' "${samples[@]}" | awk -v n="$n" '
    NR <= n / 5 { if ($1 > first) first = $1; next }
    $1 > later { later = $1 }
    END {
        growth = (later - first) / first * 100
        printf "manager RSS at most %d KiB in the first fifth, %d KiB later: %.1f %%, %d samples\n", first, later, growth, n
        exit growth > 5
    }' || fail "the manager's memory is not flat"
finish
