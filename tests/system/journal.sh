# The journal: a manager that is killed at any moment and resumed gives what a quiet one gives; input that has changed, a torn tail, a
# damaged middle, a full disk, a pipe.
. "$EMP_SOURCE/tests/system/lib.bash"
tickets=20000 kills=20
[ -z "$EMP_SANITIZE" ] || { tickets=3000 kills=5; }

# tally_job <file> <tickets> <rows> [more yaml lines]: sums of numbers, each chunk leaving a line in the file tally.
tally_job () { job "$1" tally $(($2 * $3)) "$3" "PROCS_MAX: 2" "${@:4}"; }
# run <job> [options]: its dictionary, in order of ticket, is in `out`, what it says in `err`.
run ()
{
    rm -f report err # what a run before that was killed has left may still write to its own
    "$eisenmp" run "$@" >report 2>err
    code=$?
    sed -n "s/^  ('_TID_\([0-9]*\)', \(.*\))\(,\|]}\)$/\1 \2/p" report | sort -n >out
    return $code
}
says () { grep -qF -- "$2" err || { fail "$1: nothing says '$2'"; cat err; }; }
same () { expect "$1: the dictionary" "$(cksum <out)" "$(cksum <"${2:-quiet}")"; }
# refused <name> <text> <job> [options]: exit 2, a sentence, and nothing that was in the journal is changed.
refused ()
{
    local size
    size=$(stat -c %s j)
    cp j before
    run "${@:3}"
    expect "$1: exit code" $? 2
    says "$1" "$2"
    cmp -n "$size" j before || fail "$1: an earlier record was changed"
}
# kill_run <pid of a run in the background>: its manager is killed; what it leaves behind is waited for at the end.
left=
kill_run ()
{
    local manager
    manager=$(children "$1" | head -n 1)
    [ -n "$manager" ] || return
    left="$left $(children "$manager")"
    kill -9 "$manager" 2>/dev/null
}
# A random time of up to so many thousandths of a second.
pause () { read -rt "$(printf '0.%03d' $((RANDOM % $1)))" <><(:) || :; }

# ---- killed at random moments --------------------------------------------------------------------------------------------

tally_job quiet.yaml $tickets 5
run quiet.yaml || fail "quiet: exit code"
cp out quiet
tally_job job.yaml $tickets 5 "toolbox: {tally: $PWD/tally, chunk_us: 20}" "JOURNAL: j"
run job.yaml --journal-sync none & pid=$!
for ((killed = 0, ended = 0; killed < kills && ended < 100;)); do
    pause 200
    if kill_run $pid; then killed=$((killed + 1)); else ended=$((ended + 1)); fi
    wait $pid 2>/dev/null
    modes=(none batch sync)
    run job.yaml --resume --journal-sync "${modes[killed % 3]}" & pid=$!
done
wait $pid
expect "killed $killed times: exit code" $? 0
run job.yaml --resume
expect "resumed when all is done: exit code" $? 0
same "killed $killed times"
says "resumed when all is done" "$tickets of $tickets tickets answered"
says "resumed when all is done" "($tickets of them in earlier runs)"
expect "no ticket is missing" "$(sort -u tally | wc -l)" $tickets
lines=$(wc -l <tally)
run job.yaml --resume
expect "resumed when all is done: nothing is worked at" "$(wc -l <tally)" "$lines"
echo "killed $killed times: $((lines - tickets)) tickets were worked at twice"

# ---- not this job, not this input ------------------------------------------------------------------------------------------

refused "there already" "--resume goes on with the run" job.yaml
sed 's/start: 0/start: 1/' job.yaml >other.yaml
refused "other rows" "ticket _TID_0 of mp_input_q (default): found other rows" other.yaml --resume
sed 's/count: [0-9]*/count: 14/' job.yaml >other.yaml
refused "the last chunk is shorter" "ticket _TID_2 of mp_input_q (default): found other rows" other.yaml --resume
sed 's/count: [0-9]*/count: 15/' job.yaml >other.yaml
refused "shorter input" "ticket _TID_3 of mp_input_q (default): found the end of the input" other.yaml --resume
sed "s/count: [0-9]*/count: $((tickets * 5 + 5))/" job.yaml >other.yaml
refused "longer input" "ticket _TID_$tickets of mp_input_q (default): found other rows" other.yaml --resume
sed 's/ROWS_MAX: 5/ROWS_MAX: 6/' job.yaml >other.yaml
refused "ROWS_MAX" "found ROWS_MAX 6, expected 5 as before" other.yaml --resume
sed 's/{queue: mp_input_q,/{header_msg: AUDIO, queue: mp_input_q,/' job.yaml >other.yaml
refused "a label" 'found the label "AUDIO", expected "mp_input_q (default)"' other.yaml --resume
sed 's/^feed:/&\n  - {range: {count: 1}}/' job.yaml >other.yaml
refused "two feeds" "found 2 feeds in the job, expected 1" other.yaml --resume
echo "no journal" >text
refused "a text" "found no journal of eisenmp in text" quiet.yaml --journal text --resume
refused "a device" "expected one" quiet.yaml --journal /dev/null --resume
refused "no such folder" "No such file or directory" quiet.yaml --journal nowhere/j
refused "no journal" "RESUME: found true without a JOURNAL" quiet.yaml --resume
run quiet.yaml --journal anew --resume || fail "none there: exit code"
says "none there" "there is none: the run starts anew"
same "none there"

# ---- a torn tail, a damaged middle -------------------------------------------------------------------------------------------

size=$(stat -c %s j)
truncate -s $((size / 2 + 3)) j
run job.yaml --resume || fail "torn: exit code"
says "torn" "a torn tail of "
same "torn"
printf 'XXXXXXXXXXXX' | dd of=j bs=1 seek=$((size / 3)) conv=notrunc 2>/dev/null
run job.yaml --resume || fail "damaged: exit code"
says "damaged" " damaged bytes at offset "
same "damaged"
[ -s j.quarantine ] || fail "damaged: nothing was put aside"
run job.yaml --resume || fail "damaged, then resumed: exit code"
expect "damaged, then resumed: nothing is damaged" "$(grep -c damaged err)" 0

# ---- tickets that were dead run again; two feeds of one label on one queue ---------------------------------------------------

{ sed 's/^feed:/&\n  - {queue: mp_input_q, range: {start: 5000, count: 333}}/' quiet.yaml; } >two.yaml
run two.yaml && sort out >two
for mode in none batch sync; do
    rm -f two.j
    run two.yaml --journal two.j --journal-sync $mode || fail "two feeds, $mode: exit code"
    truncate -s $(($(stat -c %s two.j) / 3)) two.j
    run two.yaml --journal two.j --journal-sync $mode --resume || fail "two feeds, $mode: exit code of the resumed"
    sort out >out.sorted
    expect "two feeds, $mode" "$(cksum <out.sorted)" "$(cksum <two)"
done
job dead.yaml trouble 100 10 "PROCS_MAX: 2" "toolbox: {trouble: refuse, at: 77}" "JOURNAL: dead.j"
run dead.yaml
expect "dead: exit code" $? 1
sed 's/at: 77/at: 777/' dead.yaml >alive.yaml
run alive.yaml --resume
expect "dead, and alive: exit code" $? 0
every_ticket_once "dead, and alive" report 10
says "dead, and alive" "(9 of them in earlier runs)"

# ---- a disk that is full -----------------------------------------------------------------------------------------------------

(
    ulimit -f $((tickets / 20)) # KiB, a half of what it needs
    run quiet.yaml --journal full.j --journal-sync sync
    echo $? >full.code
)
expect "full: exit code" "$(cat full.code)" 1
says "full" "journal full.j: writing: File too large: what was not written does not count"
answered=$(sed -n 's/^eisenmp: \([0-9]*\) of .* tickets answered.*/\1/p' err)
[ "$answered" -gt 0 ] || fail "full: nothing was answered before"
run quiet.yaml --journal full.j --resume || fail "full, and then not: exit code"
same "full, and then not"
says "full, and then not" "($answered of them in earlier runs)"

# The one group that has no room is the last: what the input was is still of use, and is kept.
pipe_yaml () { sed "s|{queue: .*|{queue: mp_input_q, $1}|; s/^toolbox.*//; s/^JOURNAL.*//" job.yaml; }
pipe_yaml 'lines: "-"' >pipe.yaml
mkfifo fifo
rm -f err
"$eisenmp" run pipe.yaml --journal last.j --journal-sync sync <fifo >/dev/null 2> >(cat >err) & pid=$!
exec 7>fifo
until_true 20 test -s last.j
begun=$(stat -c %s last.j)
seq 1000000 1000004 >&7
has_answer () { [ "$(stat -c %s last.j)" -gt $((begun + 150)) ]; }
until_true 20 has_answer
prlimit --pid $pid --fsize="$(stat -c %s last.j)"
exec 7>&-
wait $pid
expect "no room for the end: exit code" $? 1
until_true 20 grep -q "File too large" err
says "no room for the end" "journal last.j: writing: File too large"
[ -s last.j.spool-0 ] || fail "no room for the end: the spool is gone"
run pipe.yaml --journal last.j --resume < <(:)
expect "no room for the end: exit code of the resumed" $? 0
says "no room for the end" "1 of 1 tickets answered"

# ---- input that cannot be read twice ----------------------------------------------------------------------------------------

seq 1000000 $((1000000 + tickets * 5 - 1)) >input
run pipe.yaml <input || fail "pipe, from a file: exit code"
cp out lines
half=$((tickets * 20))
# It reads a half of its input and waits for more; what it has read is in the spool.
has_read () { [ "$(stat -c %s pipe.j.spool-0 2>/dev/null || echo 0)" -ge $half ]; }
run pipe.yaml --journal pipe.j <fifo & pid=$!
exec 7>fifo
head -c $half input >&7
until_true 20 has_read
kill_run $pid
wait $pid 2>/dev/null
exec 7>&-
run pipe.yaml --journal pipe.j --resume < <(:)
expect "no input again: exit code" $? 2
says "no input again" "found another input, expected the one of before, from byte 0 on too"
run pipe.yaml --journal pipe.j --resume < <(head -c $((half - 9)) input; echo "other lines")
expect "other input: exit code" $? 2
says "other input" "found another input, expected the one of before"
run pipe.yaml --journal pipe.j --resume < <(cat input)
expect "the input again: exit code" $? 0
same "the input again" lines
expect "done: the spool is gone" "$(ls -A | grep -c spool)" 0
run pipe.yaml --journal pipe.j --resume < <(:)
expect "done: no input is needed" $? 0
same "done: no input is needed" lines
# Wrong input by a pipe, behind a run that had read it from a file: it is not kept, and the right one goes on.
rm -f half.j
head -c $((7 * 8 * 5)) input >seven
run pipe.yaml --journal half.j <seven || fail "seven tickets: exit code"
truncate -s -150 half.j # the end of the input, the end of the run, an answer
run pipe.yaml --journal half.j --resume < <(seq 1 5)
expect "wrong input by a pipe: exit code" $? 2
says "wrong input by a pipe" "found other rows"
run pipe.yaml --journal half.j --resume </dev/null
expect "no input: exit code" $? 2
says "no input" "found the end of the input"
run pipe.yaml --journal half.j --resume < <(cat seven)
expect "the right input by a pipe: exit code" $? 0
says "the right input by a pipe" "7 of 7 tickets answered"
# A spool that has no room is not a fault of the input.
rm -f half.j*
(ulimit -f 8; run pipe.yaml --journal half.j --journal-sync none < <(cat input); echo $? >full.code)
expect "no room for the input: exit code" "$(cat full.code)" 1
says "no room for the input" "what was read of it cannot be kept: half.j.spool-0: writing: File too large"
# A CSV by the name of a pipe.
rm -f pipe.j
pipe_yaml "csv: $PWD/fifo, column: number" >csv.yaml
run csv.yaml --journal pipe.j & pid=$!
exec 7>fifo
{ echo number; head -c $half input; } >&7
until_true 20 has_read
kill_run $pid
wait $pid 2>/dev/null
exec 7>&-
run csv.yaml --journal pipe.j --resume & pid=$!
{ echo number; cat input; } >fifo
wait $pid
expect "a CSV again: exit code" $? 0
same "a CSV again" lines

# ---- a resumed run that ends early ---------------------------------------------------------------------------------------

# What earlier runs have answered is there, and not missing.
feed_of () { printf '%s\n' "PROCS_MAX: 2" "ROWS_MAX: 1" "RESULTS_PRINT: false" "worker_modules:" \
    "  - {worker_path: $EMP_TEST_MODULES/pace.so, worker_ref: worker_entrance}" "feed: [{program: [sh, -c, \"$1\"]}]"; }
feed_of "seq 1 40" >whole.yaml
run whole.yaml --journal e.j || fail "early: exit code $code"
feed_of "seq 1 4; exit 3" >early.yaml
run early.yaml --journal e.j --resume
expect "early: exit code" $? 1
says "early" "40 of 40 tickets answered (40 of them in earlier runs), 40 rows"
says "early" "exited with 3"
feed_of "seq 1 95; exit 3" | sed 's/ROWS_MAX: 1$/ROWS_MAX: 10/' >short.yaml
run short.yaml --journal short.j
expect "a last, short chunk: exit code" $? 1
says "a last, short chunk" "9 of 9 tickets answered, 90 rows"
says "a last, short chunk" "exited with 3, expected exit status 0; its last 5 rows were not put, since a run that resumes this one reads them again"
run whole.yaml --journal s.db --results s.db
expect "one file: exit code" $? 2
says "one file" "the file of JOURNAL, expected another"
rm -f s.db
seq 1 9 >lines.csv
printf '%s\n' "worker_modules:" "  - {worker_path: $EMP_TEST_MODULES/pace.so, worker_ref: worker_entrance}" "feed: [{lines: lines.csv}]" >lines.yaml
run lines.yaml --results lines.csv
expect "a feed's file: exit code" $? 2
says "a feed's file" "the file of a feed, expected another"
expect "a feed's file: it is as it was" "$(cksum <lines.csv)" "$(seq 1 9 | cksum)"
run whole.yaml --journal gone.j & pid=$!
until_true 20 test -s gone.j
rm gone.j
wait $pid
expect "removed: exit code" $? 1
says "removed" "removed or cut by somebody"

# ---- tickets that workers put -------------------------------------------------------------------------------------------

# Their parents are answered, and would not put them again: with the first of these answers the file says so. PROCS_MAX 1: nobody
# reads what the only worker puts, so nothing but parents is ever answered.
{
    printf '%s\n' "PROCS_MAX: 1" "ROWS_MAX: 1" "worker_modules:" "  - {worker_path: $EMP_TEST_MODULES/relay.so, worker_ref: stages}" \
        "queues: [{name: middle_q}]" "feed: [{range: {start: 0, count: 10}}]"
} >stages.yaml
run stages.yaml --journal s.j
expect "workers put: exit code" $? 1
says "workers put" "cannot be resumed"
run stages.yaml --journal s.j --resume
expect "workers put: resumed" $? 2
says "workers put: resumed" "tickets came to a queue of workers from others than feeders"
rm s.j
sed -i 's/count: 10}/count: 100000}/' stages.yaml
"$eisenmp" run stages.yaml --journal s.j >report 2>err &
pid=$!
first_is_answered () { "$eisenmp" explain 0 s.j 2>/dev/null | grep -q answered; }
until_true 20 first_is_answered
kill -9 $pid
wait $pid 2>/dev/null
run stages.yaml --journal s.j --resume
expect "workers put, killed: resumed" $? 2

# ---- a program whose feeders begin later ------------------------------------------------------------------------------------

program () { EISENMP_EXEC_PATH=$EMP_BIN "$EMP_BUILD/test-programs/resume" "$EMP_TEST_MODULES/tally.so" prog.j "$@" 2>err; }
good="ok, 3000 results, sum 249985000: "
rm -f tally
expect "a program: quiet" "$(program resume 20000)" "$good"
rm -f prog.j
program new 20000 die
expect "a program: it died" $? 137
expect "a program: resumed" "$(program resume 20000)" "$good"
expect "a program: resumed when all is done" "$(program resume 20000)" "$good"
# Each is waited for: the next would find another run at work on the journal.
told () { program "${@:2}" | grep -c "$1" >/dev/null; }
told "expected no file" new 20000 || fail "a program: there already"
told "found 1 feeders, expected 2 as before" resume 20000 one || fail "a program: one feeder only"
# Both feeders have too little; either may be the first to say so.
told "_TID_[0-9]* of \(first\|second\): found the end of the input" resume 100 || fail "a program: shorter input"

# ---- two at once --------------------------------------------------------------------------------------------------------------

rm -f j tally
run job.yaml & pid=$!
until_true 20 test -s tally
cp job.yaml again.yaml
"$eisenmp" run again.yaml --resume >report2 2>err2
expect "two at once: exit code" $? 2
grep -q "another run is at work on it" err2 || { fail "two at once: it is not said"; cat err2; }
wait $pid
expect "two at once: exit code of the first" $? 0
for supervisor in $left; do until_true 60 is_over "$supervisor"; done
# A manager that was killed before its supervisor was there leaves its folder to a run that begins ten seconds later.
rm -rf "$TMPDIR"/eisenmp-??????
finish
