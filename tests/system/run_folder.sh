# SPDX-License-Identifier: BSD-3-Clause
#
# B25: a worker that is started anew finds in the run's folder what its predecessor of the same number left; the folder goes
# with the run, also when the manager is killed (with_reports.sh looks).
. "$EMP_SOURCE/tests/system/lib.bash"
each_method
cat >keep.yaml <<YAML
PROCS_MAX: 1
ROWS_MAX: 1
START_METHOD: $method
RESULTS_PRINT: false
RESULTS_DICT_PRINT: true
worker_modules:
  - {worker_path: $EMP_TEST_MODULES/keep.so, worker_ref: keep}
feed: [{range: {start: 0, count: 1}}]
YAML
"$eisenmp" run keep.yaml >keep.out 2>keep.err
code=$?
expect "exit code: $(cat keep.err)" $code 0
expect "lines of both" "$(sed -n "s/^  ('_TID_0', \([0-9]*\)).*/\1/p" keep.out)" 2

# The manager is killed while its worker lives.
echo "toolbox: {stay: true}" >>keep.yaml
"$eisenmp" run keep.yaml >killed.out 2>killed.err &
pid=$!
two_lines () { [ "$(cat "$TMPDIR"/eisenmp-*/keep-0 2>/dev/null | wc -l)" = 2 ]; }
no_folder () { [ -z "$(find "$TMPDIR" -name 'eisenmp-*')" ]; }
until_true 20 two_lines
kill -KILL $pid
wait $pid 2>/dev/null
until_true 20 no_folder

# What others left: a manager that was killed before its folder had a lock, and one of which the lock was removed already.
old=("$TMPDIR/eisenmp-aaaaaa" "$TMPDIR/eisenmp-bbbbbb")
mkdir -m 700 "${old[@]}" "$TMPDIR/eisenmp-cccccc"
touch "${old[1]}/door"
touch -d '1 minute ago' "${old[@]}"
job quick.yaml tally 10 5 "PROCS_MAX: 1"
"$eisenmp" run quick.yaml >quick.out 2>quick.err || fail "quick: exit code"
for folder in "${old[@]}"; do [ ! -e "$folder" ] || fail "it is left: $folder"; done
rmdir "$TMPDIR/eisenmp-cccccc" || fail "one that may be about to get its lock was removed"

# So do programs that a feed reads, however far down (with_reports.sh looks).
sed 's/range: {start: 0, count: 1}/program: [sh, -c, "seq 1 5; (: >began; sleep 1000; true)"]/; /stay/d' keep.yaml >program.yaml
"$eisenmp" run program.yaml >program.out 2>program.err &
pid=$!
until_true 20 test -e began
kill -KILL $pid
wait $pid 2>/dev/null
until_true 20 no_folder # its supervisor removes it, in its time

# It goes before the report, which nobody may read, so that a manager that dies then leaves nothing.
job report.yaml echo 50000 1000 "PROCS_MAX: 1" "queues: [{name: q}]"
sed -i 's/worker_entrance/echo_q/; s/mp_input_q/q/' report.yaml
mkfifo pipe
# The thread sanitizer keeps a signal back until the thread next calls what it watches, so never in a write that is stuck.
for signal in $([ "$EMP_SANITIZE" = thread ] || echo TERM) KILL; do
    "$eisenmp" run report.yaml >pipe 2>report.err &
    pid=$!
    exec 9<pipe
    read -r <&9 # the first line of the report
    no_folder || fail "the folder is there while the report is printed"
    kill -$signal $pid
    wait $pid 2>/dev/null
    expect "report, $signal: exit code" $? $([ $signal = TERM ] && echo 1 || echo 137)
    exec 9<&-
    [ $signal = KILL ] || grep -q 'the rest of its report is not printed' report.err || fail "report: said '$(cat report.err)'"
done
finish
