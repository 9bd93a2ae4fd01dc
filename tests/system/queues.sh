# B10 to B16, B19, B20, B23, B27, B30, B32: queues that any side puts on and gets from, in real processes.
. "$EMP_SOURCE/tests/system/lib.bash"
module=$EMP_TEST_MODULES/relay.so
program=$EMP_BUILD/test-programs/queues
export EISENMP_EXEC_PATH=$EMP_BIN

# relay_job <file> <ref> <more yaml…>
relay_job ()
{
    local file=$1 ref=$2
    shift 2
    {
        printf '%s\n' "PROCS_MAX: 3" "RESULTS_PRINT: false" "RESULTS_DICT_PRINT: true" "worker_modules:" \
            "  - {worker_path: $module, worker_ref: $ref}" "$@"
    } >"$file"
}
run ()
{
    "$eisenmp" run "$1" >"${1%.yaml}.out" 2>"${1%.yaml}.err"
    code=$? # before tail's own
    expect "$1: exit code: $(tail -n 3 "${1%.yaml}.err")" $code 0
}
# numbers <report>: all numbers that are results, one a line, sorted.
numbers () { sed -n "s/^  ('_TID_[0-9]*', \([0-9]*\)).*/\1/p" "$1" | sort -n; }

# B14: a queue between two stages that only workers put to and get from; nothing is lost at its end, 10 times over.
relay_job stages.yaml stages "ROWS_MAX: 7" "queues: [{name: middle_q, maxsize: 5}]" "feed: [{range: {start: 0, count: 500}}]"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    run stages.yaml
    expect "B14: doubled" "$(numbers stages.out | cksum)" "$(seq 0 2 998 | cksum)" || break
done
# A worker that dies behind its puts: its chunk is done again, so that some rows come twice and none is missing.
relay_job dies.yaml stages "ROWS_MAX: 7" "queues: [{name: middle_q, maxsize: 5}]" "feed: [{range: {start: 0, count: 100}}]" \
    "toolbox: {die_at: 50}"
run dies.yaml
expect "B14: after a death" "$(numbers dies.out | uniq | cksum)" "$(seq 0 2 198 | cksum)"

# E3, B20: two queues of unequal length in one loop lose no row; in the original they do.
relay_job both.yaml both "ROWS_MAX: 3" "queues:" "  - {category: batch_1, name: audio_lg, maxsize: 5}" \
    "  - {category: batch_1, name: video_in, maxsize: 1}" "feed:" \
    "  - {queue: batch_1|audio_lg, range: {start: 0, count: 20}}" "  - {queue: batch_1|video_in, range: {start: 100, count: 301}}"
run both.yaml
expect "B20: unequal queues" "$(numbers both.out | cksum)" "$( (seq 0 19; seq 100 400) | cksum)"
sed -i 's/count: 301/count: 0/' both.yaml
run both.yaml
expect "B20: one of them empty" "$(numbers both.out | cksum)" "$(seq 0 19 | cksum)"

# Work that makes work: 2^9 leaves.
relay_job split.yaml split "ROWS_MAX: 1" "feed: [{range: {start: 9, count: 1}}]"
run split.yaml
expect "B14: leaves" "$(numbers split.out | wc -l)" 512

# B27: two results a ticket by mp_output_q; B32: two lines of one process stand together.
relay_job texts.yaml texts "ROWS_MAX: 5" "feed: [{range: {start: 0, count: 500}}]"
run texts.yaml
expect "B27: results" "$(numbers texts.out | cksum)" "$(seq 0 199 | cksum)"
expect "B32: texts" "$(awk '/^first/ { pid = $2; next } /^second/ { good += pid == $2; pid = 0 } END { print good + 0 }' texts.err)" 100

# B7: rows that a worker tells by mp_info_q are in the progress line before their ticket is answered; script(1) is a terminal.
relay_job half.yaml halfway "INFO_ENABLE: true" "ROWS_MAX: 100" "feed: [{range: {start: 0, count: 100}}]" "toolbox: {gate: $PWD/gate}"
mkfifo gate
exec 4<>gate
script -qefc "$eisenmp run half.yaml" /dev/null >half.out &
pid=$!
until_true 20 grep -q ' 60 % 60 of 100 rows, 0 of 1 tickets' half.out || fail "B7: no rows told: $(tail -c 100 half.out)"
echo >&4
wait $pid
code=$?
expect "B7: exit code: $(tail -n 3 half.out)" $code 0
exec 4>&-

# B21: queues, processes, collector, feeders, by the time at which the manager's threads and children began.
cat >order.sh <<'ORDER'
until grep -qx emp-feeder "/proc/$1/task"/*/comm || [ ! -d "/proc/$1" ]; do :; done
for p in "/proc/$1/task"/* $(sed 's,[0-9][0-9]*,/proc/&,g' "/proc/$1/task"/*/children); do
    awk '{ id = $1; name = $0; sub(/^[^(]*\(/, "", name); sub(/\).*/, "", name); sub(/.*\) /, ""); print $20, id, name }' "$p/stat"
done 2>/dev/null | sort -n -k 1,1 -k 2,2
ORDER
relay_job order.yaml split 'feed: [{program: "sh order.sh $PPID >order.txt"}]'
run order.yaml
expect "B21: start order" "$(sed -n 's/.* \(emp-broker\|eisenmp-worker\|emp-collector\|emp-feeder\)$/\1/p' order.txt | paste -sd ' ')" \
    "emp-broker eisenmp-worker emp-collector emp-feeder"

# B9, B26: an object that every worker gets once by mp_tools_q; a worker that is started anew gets it too.
seq 1 2 19999 >odd.txt
relay_job tools.yaml tools "ROWS_MAX: 10" "feed: [{lines: rows.txt}]" "tools: [words]" "toolbox: {words: !lines odd.txt}"
seq 1 300 >rows.txt
run tools.yaml
expect "B9: words found" "$(numbers tools.out | awk '{ sum += $1 } END { print sum }')" 150
sed -i 's/tools: .words./tools: [wrods]/' tools.yaml
"$eisenmp" run tools.yaml >tools.out 2>tools.err
expect "B9: no such attribute" "$? $(grep -c "tools.yaml:8:9:.*found 'wrods'" tools.err)" "2 1"

# B23: a first module that never returns; the run is good when all was answered and it is told to end.
relay_job serve.yaml count_down "SERVE: true" "ROWS_MAX: 1" "feed: [{range: {start: 0, count: 3}}]"
"$eisenmp" run serve.yaml >serve.out 2>serve.err &
pid=$!
until_true 20 at_least 3 "grep serving serve.err"
kill -INT $pid
wait $pid
code=$?
expect "B23: served: $(cat serve.err)" "$code $(numbers serve.out | wc -l)" "0 3"
expect "B23: a good end has no trouble to tell" "$(grep -c dropped serve.err)" 0

# B4: chunks of at most ROWS_MAX rows, tickets = rows / ROWS_MAX rounded up, under either name.
for key in ROWS_MAX NUM_ROWS; do
    relay_job chunks.yaml texts "$key: 7" "feed: [{range: {start: 0, count: 50}}]"
    run chunks.yaml
    expect "B4: $key: tickets" "$(tickets chunks.out | uniq | cksum)" "$(seq 0 7 | cksum)"
done

# A thousand queues, and as many feeders; each queue has a row or two.
relay_job wide.yaml wide "ROWS_MAX: 1" "queues:"
{
    seq 1 1000 | sed 's/.*/  - {name: wide_&, maxsize: 2}/'
    echo "feed:"
    seq 1 1000 | awk '{ printf "  - {queue: wide_%d, range: {start: %d, count: %d}}\n", $1, $1 * 10, 1 + $1 % 2 }'
} >>wide.yaml
run wide.yaml
expect "1000 queues: rows" "$(numbers wide.out | cksum)" \
    "$(seq 1 1000 | awk '{ print $1 * 10; if ($1 % 2) print $1 * 10 + 1 }' | sort -n | cksum)"

# B13, B20: workers that wait at a full queue which nobody reads learn of a drain: the chunk in hand is given back.
relay_job stuff.yaml stuff "STOP_GRACE: 600" "queues: [{name: q, maxsize: 4}]" "ROWS_MAX: 1" "feed: [{range: {start: 0, count: 3}}]"
"$eisenmp" run stuff.yaml >stuff.out 2>stuff.err &
pid=$!
until_true 20 at_least 3 "grep full stuff.err"
kill -INT $pid
wait $pid
expect "B13: drained" "$? $(numbers stuff.out | sort -u | tr '\n' ' ')" "1 5 "
expect "B13: no worker was lost" "$(grep -c 'Workers lost' stuff.out)" 0

# B14: a put is read though its worker leaves at once, and its last chunk's end, by another socket, is there long before it.
relay_job heavy.yaml heavy "ROWS_MAX: 1" "queues: [{name: q, maxsize: 9}]" "feed: [{range: {start: 0, count: 2}}]"
for _ in 1 2 3; do
    run heavy.yaml
    expect "B14: put before the end" "$(numbers heavy.out | tr '\n' ' ')" "5000000 5000000 "
done

expect "B19: commands" "$("$program" commands "$module")" \
    "got 60 sum 5760 after nothing tickets 120 answered 120"
"$program" full "$module" >full.out 2>full.err
expect "B14: a get that waits ends with its manager" "$(timeout 20 "$program" gone "$module")" destroyed
# B23: more orders to kill at once than a supervisor has turns.
expect "B23: each of them" "$("$program" each "$module")" "procs 80 then 0"
expect "B13, B16: before the start" "$(sed -n 1p full.out)" "before: put not possible now, get not possible now, over 0"
expect "B17: no feeder without a generator" "$(sed -n 2p full.out)" \
    "no feeder: invalid value: generator: found none, expected a function"
expect "B9: no feeder on a queue with a job of its own" "$(sed -n 3p full.out)" \
    "feeder: invalid value: queue: found mp_info_q, which has a job of its own, expected mp_input_q or a queue of your own"
expect "B13, B16: full" "$(sed -n 4p full.out)" \
    "empty 1 put 4 full 1 size 4, in hand: not possible now 0 sum 10 empty 1 then timed out, bad malformed message"
expect "B13: a row too deep" "$(sed -n 5p full.out)" "deep: larger than its limit"
expect "B23, B30: kill: $(cat full.err)" "$("$program" kill "$module")" "procs 3 named then 2 over 0 then 1 answered 10 lost 0"

# What waits learns of the end of a run also while nobody is in emp_wait.
expect "B13: no worker could start" "$(timeout 60 "$program" deserted "$EMP_TEST_MODULES/loader_unresolved.so" 2>deserted.err)" \
    "$(printf '%s\n' "get: the queue has stopped, invalid value: the workers could not start" \
    "put: the queue has stopped, invalid value: the workers could not start")"
expect "B13: stopped" "$(timeout 60 "$program" stopped "$module" 2>stopped.err)" \
    "$(printf '%s\n' "get: the queue has stopped, not every ticket was answered: the run was ended early" \
    "put: the queue has stopped, not every ticket was answered: 2 of 2 tickets were not answered")"
expect "B13: emp_wait ends a put" "$(timeout 60 "$program" late "$module" 2>late.err)" \
    "wait: timed out, put: the queue has stopped, not every ticket was answered: 2 of 2 tickets were not answered"
expect "B17: a generator that hangs is left behind" "$(timeout 60 "$program" hang "$module" 2>hang.err)" destroyed

# Feeders of a program, of which nobody knew at the start: the limit of open files rises with them, or is told.
expect "B17: feeders" "$( (ulimit -Sn 256; "$program" feeders "$module") 2>feeders.err)" "300 feeders, "
( (ulimit -n 256; "$program" feeders "$module") >feeders.out 2>feeders.err)
expect "B17: feeders and no more files: $(cat feeders.err)" "$? $(sed 's/[0-9][0-9]*/N/g' feeders.out)" \
    "0 N feeders, PROCS_MAX: N worker processes and N feeders need N open files, the limit is N (ulimit -n)"
expect "B9: mp_process_q" "$("$program" processes "$module")" \
    "unknown unknown name, number invalid value, nothing malformed message then 2 without Process-2, all ok then 1 lost 0"
finish
