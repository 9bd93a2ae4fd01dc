# A module that crashes, exits, returns garbage, refuses: the run ends, names the ticket, exits 1; all else is there.
. "$EMP_SOURCE/tests/system/lib.bash"
each_method
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0:handle_abort=0"; done

# one_bad <what> <text in the report>: 1000 numbers, 10 a chunk, 777 is trouble: ticket 77 dies after five attempts.
one_bad ()
{
    job "$1.yaml" trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: $1, at: 777}"
    "$eisenmp" run "$1.yaml" >"$1.out" 2>"$1.err"
    expect "$1: exit code" $? 1
    expect "$1: tickets answered" "$(tickets "$1.out" | cksum)" "$(seq 0 99 | grep -vx 77 | cksum)"
    grep -q "^mp_input_q (default);_TID_77: 5 attempts: .*$2" "$1.out" || {
        fail "$1: the report does not name the dead ticket"
        sed -n '/--- /,$p' "$1.out" | tail -n 40
        cat "$1.err"
    }
}
# one_row <what> <text in the report>: the same, but what kills its worker is halved: 777 is row 7 of ticket 77, the others are answered.
one_row ()
{
    job "$1.yaml" trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: $1, at: 777}"
    "$eisenmp" run "$1.yaml" >"$1.out" 2>"$1.err"
    expect "$1: exit code" $? 1
    expect "$1: tickets answered" "$(tickets "$1.out" | uniq | cksum)" "$(seq 0 99 | cksum)"
    expect "$1: the bad row" "$(grep -c "^mp_input_q (default);_TID_77 row 7: 5 attempts: .*$2" "$1.out")" 1
    expect "$1: all but that row" "$(sed -n "s/^  ('_TID_[0-9]*', \([0-9]*\)).*/\1/p" "$1.out" | awk '{ sum += $1 } END { print sum }')" 498723
    grep -q 'of 1000 rows 1 dead, 0 missing' "$1.err" || fail "$1: the summary does not tell the dead row"
}
one_row segv 'killed by signal 11 (Segmentation fault)'
one_row abort 'killed by signal 6 (Aborted)'
one_row exit0 'exited with 0'
one_row exit3 'exited with 3'
# HALVE: false leaves the chunk whole.
job whole.yaml trouble 1000 10 "HALVE: false" "toolbox: {trouble: segv, at: 777}"
"$eisenmp" run whole.yaml >whole.out 2>whole.err
expect "whole: the dead ticket" "$? $(grep -c '^mp_input_q (default);_TID_77: 5 attempts: ' whole.out)" "1 1"
one_bad garbage 'result'
one_bad refuse 'number 777 is not liked'
expect "segv: workers lost" "$(grep -c '^Process-[12] (pid [0-9]*): killed by signal 11' segv.out)" 5
grep -q '| about to exit with 3' exit3.out || fail "exit3: the report does not show the last stderr lines"
grep -q '_TID_77 row 7: .*exited with 3, peak memory [0-9.]* MiB; its last lines: about to exit with 3$' exit3.out ||
    fail "exit3: the dead ticket does not say what its worker said: $(grep _TID_77 exit3.out)"
expect "garbage: no worker was lost" "$(grep -c 'Workers lost' garbage.out)" 0

# A crash behind the end of a chunk takes that end along, as a rule, each time: the run ends all the same, and the ticket has a name.
job behind.yaml trouble 1000 10 "PROCS_MAX: 2" "toolbox: {trouble: behind, at: 777}"
timeout 60 "$eisenmp" run behind.yaml >behind.out 2>behind.err
code=$?
dead=$(grep -c '^mp_input_q (default);_TID_77.* [0-9]* attempts: .*killed by signal 6' behind.out)
expect "behind: exit code" $code $dead
expect "behind: tickets answered" "$(tickets behind.out | grep -vx 77 | cksum)" "$(seq 0 99 | grep -vx 77 | cksum)"

# A ticket without a result is answered; one with three stands three times.
job nothing.yaml trouble 1000 10 "toolbox: {trouble: nothing, at: 777}"
"$eisenmp" run nothing.yaml >nothing.out 2>nothing.err
expect "nothing: exit code" $? 0
every_ticket_once nothing nothing.out 100
expect "nothing: its value" "$(grep -c "^  ('_TID_77', None)" nothing.out)" 1
job several.yaml trouble 1000 10 "toolbox: {trouble: several, at: 777}"
"$eisenmp" run several.yaml >several.out 2>several.err
expect "several: exit code" $? 0
expect "several: its values" "$(grep -c "^  ('_TID_77', 7745)" several.out)" 3

# All workers say false early: what is left is missing, and said.
job quit.yaml trouble 1000 10 "PROCS_MAX: 1" "toolbox: {trouble: quit, at: 500}"
"$eisenmp" run quit.yaml >quit.out 2>quit.err
expect "quit: exit code" $? 1
expect "quit: tickets answered" "$(tickets quit.out | cksum)" "$(seq 0 50 | cksum)"
grep -q "^mp_input_q (default);_TID_51$" quit.out || fail "quit: the first missing ticket is not named"
finish
