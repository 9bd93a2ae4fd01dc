# RESULTS_STREAM and RESULTS_ORDER: results written as they come, and in the order of tickets whatever happens to workers, the
# manager, the reader and the disk.
. "$EMP_SOURCE/tests/system/lib.bash"
tickets=20000 kills=12
[ -z "$EMP_SANITIZE" ] || { tickets=4000 kills=4; }
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0"; done

# run <job> [options]: what it prints is in `out`, what it says in `err`.
run ()
{
    "$eisenmp" run "$@" >out 2>err
    code=$?
    return $code
}
says () { grep -qF -- "$2" err || { fail "$1: nothing says '$2'"; tail -n 5 err; }; }
# pairs <jsonl>: ticket and value, as they stand there.
pairs () { sed -n 's/^{"queue":"[^"]*","ticket":\([0-9]*\),.*"value":\(.*\)}$/\1 \2/p' "$1"; }
# dictionary <report>: the same of the printed dictionary, in order of ticket.
dictionary () { sed -n "s/^  ('_TID_\([0-9]*\)', \(.*\))\(,\|]}\)$/\1 \2/p" "$1" | sort -n; }
same () { cmp -s "$2" "$3" || fail "$1: $2 is not as $3: $(cmp "$2" "$3" 2>&1)"; }

# ---- what a quiet run writes ---------------------------------------------------------------------------------------------

job quiet.yaml tally $((tickets * 5)) 5 "PROCS_MAX: 2"
run quiet.yaml --stream quiet.jsonl --keep-order || fail "quiet: exit code"
dictionary out >dictionary
pairs quiet.jsonl >quiet.pairs
expect "quiet: tickets" "$(wc -l <dictionary)" $tickets
same "quiet: as the dictionary" quiet.pairs dictionary
expect "quiet: nothing is said" "$(wc -c <err)" 0
run quiet.yaml -S arrival.jsonl -o results.jsonl || fail "arrival: exit code"
same "arrival: as the results file" arrival.jsonl results.jsonl
run quiet.yaml -kS quiet.csv || fail "csv: exit code"
same "csv" <(sed "1d; s/\"mp_input_q (default)\",//; s/,/ /; s/\r//" quiet.csv) dictionary
{ cat quiet.yaml; echo "RESULTS_STORE: false"; echo "RESULTS_STREAM: key.jsonl"; echo "RESULTS_ORDER: ticket"; } >key.yaml
run key.yaml || fail "keys: exit code"
same "keys, nothing stored" key.jsonl quiet.jsonl

# Standard output is the stream and nothing else; what went wrong is told on standard error.
run quiet.yaml -kS - || fail "stdout: exit code"
same "stdout" out quiet.jsonl
job dead.yaml trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: refuse, at: 77}"
run dead.yaml -kS -
expect "dead: exit code" $? 1
pairs out >pairs
expect "dead: all others, in order" "$(cut -d' ' -f1 pairs | cksum)" "$(seq 0 99 | grep -vx 7 | cksum)"
expect "dead: lines" "$(wc -l <out)" 99
says "dead" "_TID_7: 5 attempts: "

# ---- feeds, halves, queues of workers ------------------------------------------------------------------------------------

sed 's/^feed:/&\n  - {queue: mp_input_q, header_msg: OTHER, range: {start: 7, count: 3333}}/' quiet.yaml >two.yaml
run two.yaml -kS two.jsonl || fail "two feeds: exit code"
grep mp_input_q two.jsonl >first
same "two feeds: the one" first quiet.jsonl
expect "two feeds: the other" "$(grep '"queue":"OTHER"' two.jsonl | sed 's/.*"ticket":\([0-9]*\),.*/\1/' | cksum)" "$(seq 0 666 | cksum)"
job row.yaml trouble 3000 1000 "PROCS_MAX: 2" "toolbox: {trouble: segv, at: 1777}"
run row.yaml -kS row.jsonl
expect "halves: exit code" $? 1
pairs row.jsonl >pairs
[ "$(wc -l <pairs)" -gt 4 ] || fail "halves: there are none"
expect "halves: tickets are in order" "$(cut -d' ' -f1 pairs | cksum)" "$(cut -d' ' -f1 pairs | sort -n | cksum)"
# The mean of the numbers of rows grows from part to part; each is their sum, so what it says of them is not easy to see, but for one row.
expect "halves: the sum" "$(awk '{ sum += $2 } END { printf "%d", sum }' pairs)" $((3000 * 2999 / 2 - 1777))
first=$(head -n 2 pairs | tail -n 1)
expect "halves: the first of the parts is that of the first rows" "$first" "1 $((500 * (1000 + 1499) / 2))"
{
    printf '%s\n' "PROCS_MAX: 3" "RESULTS_PRINT: false" "ROWS_MAX: 7" "worker_modules:" \
        "  - {worker_path: $EMP_TEST_MODULES/relay.so, worker_ref: stages}" \
        "queues: [{name: middle_q, maxsize: 5}]" "feed: [{range: {start: 0, count: 500}}]"
} >stages.yaml
run stages.yaml -kS stages.jsonl || fail "stages: exit code"
pairs <(grep middle_q stages.jsonl) >pairs
expect "stages: what workers put" "$(cut -d' ' -f2 pairs | sort -n | cksum)" "$(seq 0 2 998 | cksum)"
expect "stages: in order" "$(cut -d' ' -f1 pairs | cksum)" "$(cut -d' ' -f1 pairs | sort -n | cksum)"

# ---- workers and managers that are killed --------------------------------------------------------------------------------

job once.yaml trouble $((tickets * 5)) 5 "PROCS_MAX: 2" "toolbox: {trouble: once, at: $((tickets * 2)), mark: $PWD/mark}"
run once.yaml -kS once.jsonl
expect "a worker is killed" "$([ -e mark ] && echo yes)" yes
same "a worker is killed" once.jsonl quiet.jsonl

# Its manager is killed at any moment: what is there is a beginning of it, and at the end all of it.
job killed.yaml tally $((tickets * 5)) 5 "PROCS_MAX: 2" "toolbox: {tally: $PWD/tally, chunk_us: 20}" "JOURNAL: j"
left='' cuts=0
run killed.yaml -kS killed.jsonl --journal-sync none & pid=$!
for ((killed = 0, turns = 0; killed < kills && turns < 60; turns++)); do
    read -rt "$(printf '0.%03d' $((RANDOM % 250)))" <><(:) || :
    manager=$(children $pid | head -n 1)
    if [ -n "$manager" ]; then
        left="$left $(children "$manager")"
        kill -9 "$manager" 2>/dev/null && killed=$((killed + 1))
    fi
    wait $pid 2>/dev/null
    size=$(stat -c %s killed.jsonl 2>/dev/null || echo 0)
    [ "$size" = 0 ] || cmp -sn "$size" killed.jsonl quiet.jsonl || fail "killed: what is there is no beginning of it"
    [ "$size" -gt 0 ] && [ "$size" -lt "$(stat -c %s quiet.jsonl)" ] && cuts=$((cuts + 1))
    run killed.yaml -kS killed.jsonl --resume & pid=$!
done
wait $pid
expect "killed $killed times: exit code" $? 0
same "killed $killed times" killed.jsonl quiet.jsonl
echo "killed $killed times, $cuts of them in the middle of the file"
run killed.yaml --resume -kS - || fail "resumed when all is done: exit code"
same "resumed when all is done" out quiet.jsonl
run killed.yaml --resume -S arrival.jsonl || fail "resumed in order of arrival: exit code"
same "resumed in order of arrival" <(sort arrival.jsonl) <(sort quiet.jsonl)

# ---- readers -------------------------------------------------------------------------------------------------------------

# A pipe that nobody reads takes 64 KiB; more tickets than that are worked at meanwhile, and none of them is lost.
mkfifo fifo
exec 8<>fifo
sed 's/tally: [^,]*/tally: slow.tally/; s/^JOURNAL.*//' killed.yaml >slow.yaml
# begin_slow [options]: a run whose reader, who is descriptor 8, has not taken anything.
begin_slow ()
{
    rm -f slow.tally
    "$eisenmp" run slow.yaml "$@" >fifo 2>err &
    pid=$!
    until_true 30 at_least 3000 "cat slow.tally 2>/dev/null"
    is_over $pid && fail "slow: the run is over though nobody has read"
}
begin_slow -kS -
no_children () { [ -z "$(children $pid)" ]; }
until_true 60 no_children # all is worked at, only the reader is missing
is_over $pid && fail "slow: the run is over though nobody has read"
head -n $tickets <&8 >slow.jsonl
wait $pid
expect "slow: exit code" $? 0
same "slow" slow.jsonl quiet.jsonl
# Signals end it in their times, whoever reads.
sed -i 's/^PROCS_MAX.*/&\nSTOP_GRACE: 0.5/' slow.yaml
begin_slow -kS -
kill -INT $pid
until_true 10 is_over $pid || kill -9 $pid
wait $pid
expect "slow, drained: exit code" $? 1
says "slow, drained" "RESULTS_STREAM: standard output: not all of it was written before the run had to end"
sed -i 's/^STOP_GRACE.*/STOP_GRACE: 600/' slow.yaml
begin_slow -S -
kill -INT $pid
until_true 20 grep -q 'once more to stop' err
kill -INT $pid
until_true 10 is_over $pid || kill -9 $pid
wait $pid
expect "slow, stopped: exit code" $? 1
exec 8<&-

# A reader that leaves.
"$eisenmp" run quiet.yaml -kS - 2>err | head -n 5 >head.jsonl
codes=${PIPESTATUS[*]}
expect "head: exit codes" "$codes" "1 0"
same "head: what it has" head.jsonl <(head -n 5 quiet.jsonl)
says "head" "RESULTS_STREAM: standard output: Broken pipe"

# A disk that is full: whole lines, in order.
(
    ulimit -f $((tickets / 40)) # KiB, a quarter of what it needs
    run quiet.yaml -kS full.jsonl
    echo $? >full.code
)
expect "full: exit code" "$(cat full.code)" 1
says "full" "RESULTS_STREAM: 'full.jsonl': File too large"
lines=$(wc -l <full.jsonl)
[ "$lines" -gt 0 ] || fail "full: nothing was written"
same "full: a beginning in whole lines" full.jsonl <(head -n "$lines" quiet.jsonl)

# ---- what makes no sense -------------------------------------------------------------------------------------------------

echo old >old.jsonl
# refused <name> <text> <job> [options]: exit 2, said so, and the file is as before.
refused ()
{
    run "${@:3}"
    expect "$1: exit code" $? 2
    says "$1" "$2"
    expect "$1: the old file" "$(cat old.jsonl)" old
}
refused "an ending" "found 'out.db', expected a name that ends in .jsonl or .csv, or - for standard output" quiet.yaml -S out.db
refused "no folder" "RESULTS_STREAM: cannot write 'nowhere/out.csv': No such file or directory" quiet.yaml -S nowhere/out.csv
refused "an order of nothing" 'RESULTS_ORDER: found "ticket" without a RESULTS_STREAM' quiet.yaml -k
refused "the results' file" "found 'old.jsonl', the file of RESULTS_FILE, expected another" quiet.yaml -S old.jsonl -o ./old.jsonl
sed "s|{queue: .*|{queue: mp_input_q, lines: old.jsonl}|" quiet.yaml >input.yaml
refused "its input" "found 'old.jsonl', the file of a feed, expected another" input.yaml -S old.jsonl
refused "the journal" "found 'old.jsonl', the file of JOURNAL, expected another" quiet.yaml -S old.jsonl -j old.jsonl
refused "no such journal" "expected one" quiet.yaml -S old.jsonl -j quiet.csv --resume
{ cat quiet.yaml; echo "RESULTS_ORDER: tickets"; } >order.yaml
refused "another order" 'RESULTS_ORDER: found the text '"'tickets'"', expected "arrival" or "ticket"' order.yaml
{ cat quiet.yaml; echo "RESULTS_STREAMS: s.csv"; } >typo.yaml
refused "a typo" "did you mean 'RESULTS_STREAM'" typo.yaml
"$eisenmp" run quiet.yaml -S - 2>err >&-
expect "no stdout: exit code" $? 2
says "no stdout" "RESULTS_STREAM: cannot write standard output: Bad file descriptor"

for supervisor in $left; do until_true 60 is_over "$supervisor"; done
# A manager that was killed before its supervisor was there leaves its folder to a run that begins ten seconds later.
rm -rf "$TMPDIR"/eisenmp-??????
finish
