# A ticket's life, from the results file or the journal of a run in which workers died; and that a run's summary adds up, however it ended.
. "$EMP_SOURCE/tests/system/lib.bash"
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0:handle_abort=0"; done

# explained <file> <ticket> <pattern>: each line of the pattern is a line of what is told.
explained ()
{
    "$eisenmp" explain "$2" "$1" >life.out 2>life.err
    expect "explain $2: exit code" $? 0
    local line
    while IFS= read -r line; do
        grep -qE "$line" life.out || { fail "explain $2: no line '$line'"; cat life.out life.err; }
    done <<<"$3"
}
# not_explained <text of the error> <arguments…>
not_explained ()
{
    local text=$1
    shift
    "$eisenmp" explain "$@" >life.out 2>life.err
    expect "explain $*: exit code" $? 2
    grep -qF "$text" life.err || { fail "explain $*: the error does not say '$text'"; cat life.err; }
    [ ! -s life.out ] || fail "explain $*: an error on stdout"
}
who='Process-[0-9]+ \(pid [0-9]+\) on [^ ]+'
when='[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}'

# One row crashes each worker that gets it. A core that halves leaves one dead row of ticket 77, one that does not all ten.
job segv.yaml trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: segv, at: 777}" "RESULTS_FILE: segv.db"
"$eisenmp" run segv.yaml >segv.out 2>segv.err
expect "segv: exit code" $? 1
explained segv.db 7 "^mp_input_q \(default\);_TID_7: 10 rows, answered\$
^  answered by $who, attempt [0-9]+, 1 result, chunk [0-9a-f]{16}, $when\$"
explained segv.db 'mp_input_q (default);_TID_77;' "^mp_input_q \(default\);_TID_77: 10 rows, (dead|answered in part: 9 answered, 1 dead)\$
^  (row 7: )?dead after [0-9]+ attempts, the last by $who: .*killed by signal 11.*, $when\$"
explained segv.db "$(grep -m 1 '^mp_input_q.*_TID_77' segv.out)" '^mp_input_q \(default\);_TID_77'
explained segv.db _TID_77 '^mp_input_q \(default\);_TID_77'
not_explained "no ticket _TID_100; mp_input_q (default) has _TID_0 to _TID_99" 100 segv.db
not_explained "did you mean 'mp_input_q (default)'?" 'mp_imput_q (default);_TID_1' segv.db
not_explained 'expected a ticket' seven segv.db
not_explained 'nowhere.db: No such file or directory' 7 nowhere.db
not_explained 'segv.yaml: neither a results file nor a journal' 7 segv.yaml
not_explained 'Is a directory' 7 .
mkfifo pipe
not_explained 'pipe: not a regular file' 7 pipe
not_explained 'a ticket and the file of a run are needed'
not_explained 'the file of a run is needed behind the ticket' 7
head -c 4096 segv.db >cut.db
not_explained 'cut.db: ' 7 cut.db
"$eisenmp" explain --help | grep -q 'life of a ticket' || fail "explain --help"
"$eisenmp" --help | grep -q '^  explain ' || fail "--help does not know explain"
if command -v sqlite3 >/dev/null; then
    expect "segv: who answered" "$(sqlite3 segv.db "SELECT count (*) FROM tickets WHERE worker GLOB 'Process-[12]' AND
        host <> '' AND length (hash) = 16 AND ended_at GLOB '20*Z' AND outcome = 'done'")" 99
    expect "segv: equal chunks have equal hashes, others others" \
        "$(sqlite3 segv.db "SELECT count (DISTINCT hash) FROM tickets WHERE outcome = 'done'")" 99
fi

# A journal tells the same life, but for the moment at which an end was written; also of several runs, of one that was killed, and of one
# that is on.
job journal.yaml trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: segv, at: 777}" "RESULTS_FILE: journal.db" "JOURNAL: run.j"
"$eisenmp" run journal.yaml >journal.out 2>journal.err
expect "journal: exit code" $? 1
timeless () { "$eisenmp" explain "$1" "$2" | sed 's/, [-0-9]* [0-9:.]*$//'; }
for ticket in 7 77; do
    expect "journal: the same life of $ticket" "$(timeless $ticket run.j)" "$(timeless $ticket journal.db)"
done
explained run.j 7 "^  answered by $who, attempt [0-9]+, 1 result, chunk [0-9a-f]{16}, $when\$"
not_explained "no ticket _TID_100; mp_input_q (default) has _TID_0 to _TID_99" 100 run.j
not_explained "did you mean 'mp_input_q (default)'?" 'mp_imput_q (default);_TID_1' run.j
before=$(cksum run.j)
dd if=run.j of=cut.j bs=1 count=$(($(wc -c <run.j) - 5)) 2>dd.err
explained cut.j 7 '^mp_input_q \(default\);_TID_7: 10 rows, answered$'
grep -qF 'bytes are no whole record: what is told may not be all' life.err || { fail "cut.j: it does not say so"; cat life.err; }
{ head -c 9 run.j; printf x; tail -c +11 run.j; } >first.j
explained first.j 7 '^mp_input_q \(default\);_TID_7: 10 rows, answered$'
grep -qF 'damaged: what is told may not be all' life.err || { fail "first.j: it does not say so"; cat life.err; }
head -c 20 run.j >torn.j
not_explained 'torn.j: it begins like a journal, and is none' 7 torn.j
expect "journal: it was only read" "$(cksum run.j)" "$before"
"$eisenmp" run --resume journal.yaml >journal.out 2>journal.err
explained run.j 77 "^  here the run was resumed, $when\$
^  row 7: dead after 5 attempts"
expect "journal: of two runs" "$("$eisenmp" explain 77 run.j | grep -c '^  row 7: dead after')" 2

job on.yaml trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: wedge, at: 777}" "JOURNAL: on.j"
"$eisenmp" run on.yaml >on.out 2>on.err &
pid=$!
is_told () { "$eisenmp" explain 99 on.j >life.out 2>life.err; }
until_true 20 is_told # the last ticket, so the wedged one is in hand
explained on.j 77 '^mp_input_q \(default\);_TID_77: it was put, and has not come back yet$'
kill -KILL $pid
wait $pid 2>/dev/null
explained on.j 77 '^mp_input_q \(default\);_TID_77: it was put, and has not come back yet$'

# The summary of a run that had trouble adds up, in tickets and in rows, whatever ended it.
adds_up () # <name>
{
    local line
    line=$(grep -m 1 'tickets answered' "$1.err") || { fail "$1: no summary"; cat "$1.err"; return; }
    awk -v line="$line" 'BEGIN {
        gsub (/[,;]/, "", line)
        n = split (line, word, " ")
        for (i = 1; i <= n; i++) {
            if (word[i] == "tickets" && word[i + 1] == "answered") { answered = word[i - 3]; tickets = word[i - 1]; rows = word[i + 2] }
            if (word[i] == "rows" && word[i - 2] == "of") { all = word[i - 1]; dead_rows = word[i + 1]; missing_rows = word[i + 3]; at = i }
            if (word[i] == "dead" && !at) dead = word[i - 1]
            if (word[i] == "missing" && !at) missing = word[i - 1]
            if (word[i] == "in" && word[i + 1] == "part") partly = word[i - 2]
        }
        exit !(tickets == answered + dead + missing + partly && (!at || all == rows + dead_rows + missing_rows))
    }' || fail "$1: the summary does not add up: $line"
}
adds_up segv
job refuse.yaml trouble 100 10 "toolbox: {trouble: refuse, at: 33}" "RESULTS_FILE: refuse.db"
"$eisenmp" run refuse.yaml >refuse.out 2>refuse.err
explained refuse.db 3 "^  attempt 1: $who: refused: number 33 is not liked, $when\$"

# A drain at some moment, with work of the manager's and of workers on its way.
{
    printf '%s\n' "PROCS_MAX: 3" "RESULTS_PRINT: false" "ROWS_MAX: 7" "worker_modules:" \
        "  - {worker_path: $EMP_TEST_MODULES/relay.so, worker_ref: stages}" "queues: [{name: middle_q, maxsize: 5}]" \
        "feed: [{range: {start: 0, count: 100000000}}]"
} >stages.yaml
drained () # <name> <signals>
{
    local pid
    "$eisenmp" run "$1.yaml" >"$1.out" 2>"$1.err" &
    pid=$!
    until_true 20 at_work $pid 2
    read -rt "0.$((RANDOM % 4))" <><(:) # any moment will do
    for _ in $(seq "$2"); do kill -INT $pid; done
    wait $pid
    expect "$1: exit code" $? 1
    adds_up "$1"
}
for signals in 1 1 2; do drained stages $signals; done
job many.yaml trouble 10 10 "PROCS_MAX: 2"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: numbers}|; s/DICT_PRINT: true/DICT_PRINT: false/" many.yaml
for signals in 1 1 2; do drained many $signals; done
finish
