# SPDX-License-Identifier: BSD-3-Clause
#
# E9, B14, B25: the radio example. Each worker takes commands by a queue of its own and reports on one that all share, while it
# records; what it recorded is what was served.
. "$EMP_SOURCE/tests/system/lib.bash"
example=$EMP_SOURCE/examples/radio
[ -e "$EMP_MODULES/radio.so" ] || skip "built without libcurl (package libcurl4-openssl-dev)"

"$EMP_BUILD/test-programs/station" >port &
station=$!
until_true 20 test -s port
url=http://127.0.0.1:$(cat port)
# A port that nobody listens at: that of a station which has closed.
"$EMP_BUILD/test-programs/station" >closed &
pid=$!
until_true 20 test -s closed
kill $pid
wait $pid 2>/dev/null

# reported <line's pattern>: such a line is there. tell <command…>
reported () { grep -qx "$1" out; }
tell () { echo "$*" >&3; }
# wait_for <line's pattern> [times]
wait_for () { until_true 30 at_least "${2:-1}" "grep -x '$1' out"; }
# recorded <file> <name>: a prefix of the stream of that name, and not nothing. Its size.
recorded ()
{
    [ -s "$1" ] || { fail "$1: nothing was recorded"; return; }
    seq -f "$2 %.0f" 0 "$(wc -l <"$1")" | head -c "$(stat -c %s "$1")" | cmp - "$1" >&2 || fail "$1: not what was served"
}
# stopped <n> <name> <file>: it was reported with the file's size.
stopped () { reported "$1 stopped $2 $(stat -c %s "$3") bytes $3" || fail "$3: not stopped, or of another size: $(cat out)"; }
has_more () { [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt "$2" ]; }

# ---- the program: told while they run ----

mkfifo in
EISENMP_MODULE_PATH=$EMP_MODULES "$EMP_BIN/example-radio" 2 rec <in >out 2>err &
pid=$!
exec 3>in
wait_for '0 ready, pid [0-9]*'
wait_for '1 ready, pid [0-9]*'
tell 0 create jazz "$url/jazz"
tell 1 create rock "$url/rock"
tell 0 listen
tell 1 listen
wait_for "0 created jazz $url/jazz"
wait_for '0 started jazz rec/jazz'
wait_for '1 started rock rec/rock'
until_true 30 has_more rec/jazz 20000
until_true 30 has_more rec/rock 20000
tell 0 status
tell 1 status
wait_for '0 status jazz recording [0-9]* bytes'
wait_for '1 status rock recording [0-9]* bytes'
expect "E9, B14: both at once" "$(grep -c 'stopped\|ended\|failed' out)" 0
[ "$(sed -n 's/^1 status rock recording \([0-9]*\) bytes/\1/p' out)" -ge 20000 ] || fail "status: fewer bytes than the file has"

# What cannot be is refused, what nobody is there for is told.
tell 1 create other "$url/jazz"
tell 1 listen
tell 1 dance
tell 1 create ../x "$url/jazz"
tell 7 status
wait_for '1 refused create: .*' 2
wait_for '1 refused listen: a recording is going on'
wait_for '1 refused dance: .*'
until_true 20 grep -q "found '7 status', expected a recorder, 0 to 1" err

# kill -9 of one, which has refused another station. What it has not given back is done by who takes its place, which then goes
# on with the recording; the other one's goes on all the while.
tell 0 create other "$url/jazz"
wait_for '0 refused create: a recording is going on'
tell 0 wait 600
tell 0 status
tell 9 status
until_true 20 grep -q "found '9 status'" err # so the two before it were put
before=$(stat -c %s rec/rock)
kill -KILL "$(sed -n 's/^0 ready, pid //p' out)"
wait_for '0 ready, pid [0-9]*' 2
wait_for '0 status .*' 2
wait_for '0 started jazz rec/jazz.2'
expect "B25: START_SEQUENCE_NUM stays" "$(grep -c '^1 ready' out)" 1
until_true 30 has_more rec/rock "$before"
until_true 30 has_more rec/jazz.2 1000
expect "waited" "$(grep -c '^0 status nothing$' out)" 1
tell 0 stop
wait_for '0 stopped jazz .*'
stopped 0 jazz rec/jazz.2

# One that was told to stop and had not come to it: the successor has its station and does not go on.
tell 0 listen
wait_for '0 started jazz rec/jazz.3'
tell 0 wait 600
tell 0 stop
tell 8 status
until_true 20 grep -q "found '8 status'" err
kill -KILL "$(sed -n 's/^0 ready, pid //p' out | tail -n 1)"
wait_for '0 ready, pid [0-9]*' 3
wait_for '0 refused stop: nothing is recorded'
wait_for "0 created jazz $url/jazz" 3
tell 0 status
wait_for '0 status jazz'

# A stream that cannot be reached, one that is not there, one that has an end, one that says nothing.
tell 0 create gone "http://127.0.0.1:$(cat closed)/gone"
tell 0 listen
wait_for '0 failed gone 0 bytes: .*127.0.0.1.*'
tell 0 create missing "$url/missing"
tell 0 listen
wait_for '0 failed missing 0 bytes: .*404'
tell 0 stop
wait_for '0 refused stop: nothing is recorded' 2
tell 0 create short "$url/short/1000"
tell 0 listen
tell 0 wait 600
tell 0 status
wait_for '0 status short'
reported "0 ended short $(stat -c %s rec/short) bytes rec/short" || fail "short: $(cat out)"
expect "short: lines" "$(wc -l <rec/short)" 1000
tell 0 create silent "$url/silent"
tell 0 listen
tell 0 stop
wait_for '0 stopped silent 0 bytes'

# The end of the input ends what is recorded, and the last report is there.
exec 3>&-
wait $pid
expect "exit code: $(cat err)" $? 0
expect "quit" "$(grep -c '^[01] quit$' out)" 2
stopped 1 rock rec/rock
for file in jazz jazz.2 jazz.3 rock short; do
    recorded "rec/$file" "${file%.[23]}"
done
expect "files" "$(cd rec && echo *)" "jazz jazz.2 jazz.3 rock short"

# ---- the job file: all commands of a worker are one ticket ----

mkdir job
for file in job.yaml commands_0.txt commands_1.txt; do
    sed "s|http://127.0.0.1:8000|$url|; s/^wait .*/wait 1/" "$example/$file" >job/$file
done
echo "START_METHOD: fork" >>job/job.yaml
"$eisenmp" run job/job.yaml >job.out 2>out &
pid=$!
until_true 30 has_more recordings/jazz 1000
until_true 30 has_more recordings/rock 1000
kill -KILL "$(sed -n 's/^0 ready, pid //p' out)"
wait $pid
expect "job.yaml: exit code" $? 0
grep -q '^Process-1 (pid [0-9]*): killed by signal 9' job.out || fail "job.yaml: it was not hit: $(cat out)"
stopped 1 rock recordings/rock
stopped 0 jazz recordings/jazz.2
for file in jazz jazz.2 rock; do
    recorded "recordings/$file" "${file%.2}"
done
for n in 0 1; do
    expect "job.yaml: results of com_in_$n" "$(sed -n "/'com_in_$n'/,/\]/p" job.out | grep -o "'$n [a-z]*" | cut -d' ' -f2 | tr '\n' ' ')" \
        "created listening status stopped "
done

# Commands that end before the recording does: it is stopped when no command can come any more, and told on the screen.
sed -i '/^\(wait\|stop\)/d' job/commands_[01].txt
sed -i 's/^status/wait 0.2/' job/commands_[01].txt
"$eisenmp" run job/job.yaml >job.out 2>out
expect "job.yaml, no stop: exit code" $? 0
for n in 0 1; do
    expect "job.yaml, no stop: told by $n" "$(grep -c "^$n stopped" out)" 1
done

# A folder that is none.
printf '0 create jazz %s/jazz\n0 listen\n0 wait 600\n' "$url" | "$EMP_BIN/example-radio" 1 port >folder.out 2>folder.err
expect "folder: exit code" $? 0
grep -qx '0 failed jazz 0 bytes: port/jazz: Not a directory' folder.out || fail "folder: $(cat folder.out)"

"$EMP_BIN/example-radio" none >usage.out 2>usage.err
expect "usage: exit code" "$? $(grep -c '^usage: ' usage.err)" "2 1"
kill $station
wait $station 2>/dev/null
finish
