# SPDX-License-Identifier: BSD-3-Clause
#
# E6, B23, B24, B25, B30: the servers example, its job file and its manager program.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/system/http.bash"
[ -e "$EMP_MODULES/servers.so" ] || skip "built without libmicrohttpd"
example=$EMP_SOURCE/examples/servers

# The job file as it is, but that its ports are any that are free.
printf '0\n0\n0\n0\n0\n0\n' >zeros
sed 's|range: {.*}}|lines: zeros}|' "$example/job.yaml" >job.yaml
expect "feeds" "$(grep -c 'lines: zeros' job.yaml)" 3

# ---- job.yaml ----------------------------------------------------------------------------------------------------------
"$eisenmp" run job.yaml >job.out 2>job.err &
manager=$!
until_true 60 at_least 18 "served job.err"
served job.err >first
expect "E6: colour and process" "$(cut -d ' ' -f 1,3 first | sort | uniq -c | tr -s ' \n' '  ')" \
    " 6 blue Process-1 6 red Process-2 6 yellow Process-3 "
expect "B24: servers of one process" "$(cut -d ' ' -f 2,3 first | sort -u | wc -l)" 18
all_pages "job.yaml" first 18
url=$(cut -d ' ' -f 5 first | sed -n 1p)
expect "another path" "$(request "$url" "GET /elsewhere" | sed -n 1p)" "HTTP/1.1 200 OK"
expect "another method" "$(request "$url" "DELETE /" | sed -n 1p)" "HTTP/1.1 405 Method Not Allowed"

# A worker is killed: its successor serves the same six ports, the others go on.
kill -KILL "$(pid_of first Process-2)"
until_true 60 at_least 6 "successors job.err Process-2"
{ grep -v ' Process-2 ' first; successors job.err Process-2; } >second
all_pages "after a death" second 18
expect "the same servers on the same ports" "$(cut -d ' ' -f 1-3,5 second | sort | cksum)" \
    "$(cut -d ' ' -f 1-3,5 first | sort | cksum)"
kill -INT $manager
wait $manager
code=$?
expect "B23: exit code: $(tail -n 3 job.err)" $code 0
expect "B28: URLs in the dictionary" "$(urls job.out | cksum)" "$(cut -d ' ' -f 5 first | sort | cksum)"
expect "queues in the dictionary" "$(tr -d "{ '" <job.out | sed -n 's/_q_3:\[$//p' | sort | tr '\n' ' ')" "blue red yellow "
no_pages "after the end" second

# ---- manager.c, until something comes on standard input; a worker is killed while it starts its servers -------------------
for count in 1 3 5; do
    mkfifo key$count
    exec 8<>key$count
    "$EMP_BIN/example-servers" - 0 <key$count >key$count.out 2>key$count.err &
    manager=$!
    until_true 60 at_least $count "served key$count.err | grep ' Process-3 '"
    served key$count.err >early$count
    kill -KILL "$(pid_of early$count Process-3)"
    until_true 60 at_least 6 "successors key$count.err Process-3"
    until_true 60 at_least 1 "grep '18 servers serve' key$count.err"
    { served key$count.err | grep -v ' Process-3 '; successors key$count.err Process-3; } >third
    all_pages "killed after $count" third 18
    echo >&8
    wait $manager
    code=$?
    expect "killed after $count: exit code: $(tail -n 3 key$count.err)" $code 0
    expect "killed after $count: URLs" "$(urls key$count.out | cksum)" "$(cut -d ' ' -f 5 third | sort | cksum)"
    no_pages "killed after $count, at the end" third
done

# ---- for some seconds; some ports are taken ---------------------------------------------------------------------------------
"$eisenmp" run job.yaml >other.out 2>other.err &
other=$!
until_true 60 at_least 18 "served other.err"
taken=$(served other.err | sed -n '1s/.*:\([0-9]*\).$/\1/p')
"$EMP_BIN/example-servers" 0 "$taken" >taken.out 2>taken.err
expect "a port is taken: exit code" $? 1
expect "a port is taken: reason" \
    "$(grep -c "^blue_q_3;_TID_0: 5 attempts: .*127.0.0.1:$taken: Address already in use" taken.out)" 1
kill -INT $other
wait $other

"$EMP_BIN/example-servers" 0 0 >seconds.out 2>seconds.err
code=$?
expect "B23, B30: SECONDS: exit code: $(tail -n 3 seconds.err)" $code 0
expect "SECONDS: URLs" "$(urls seconds.out | cksum)" "$(served seconds.err | cut -d ' ' -f 5 | sort | cksum)"
expect "SECONDS: all of proc_list" "$(grep -c '^example-servers: kills Process-[123], pid [0-9]*$' seconds.err)" 3

# ---- what is asked for wrongly ----------------------------------------------------------------------------------------------
printf '%s\n' ninety 70000 99999999999999999999 "" 0 >rows
# wrong <rows a chunk> <bind>: one process, which ends by itself since it is no run that serves.
wrong ()
{
    sed -e '/^SERVE/d; /start_one/d; /_q_3/d; /^feed/d' -e "s/^ROWS_MAX: 1/ROWS_MAX: $1/; s/^PROCS_MAX: 3/PROCS_MAX: 1/" \
        -e "s/{bind: .*}/{bind: $2}/" "$example/job.yaml" >wrong.yaml
    printf '%s\n' "STOP_GRACE: 0.1" "feed: [{lines: rows}]" >>wrong.yaml
    "$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
    code=$?
    expect "$*: exit code: $(cat wrong.err)" $code 1
}
wrong 1 127.0.0.1
expect "no ports: dead" "$(grep -c '5 attempts: .*found a row that is no port, expected a number from 0 to 65535' wrong.out)" 4
expect "no ports: the good one" "$(urls wrong.out | wc -l)" 1
wrong 5 127.0.0.1
expect "rows: reason" "$(grep -c 'found several rows in a chunk' wrong.out)" 1
wrong 1 localhost
expect "bind: reason" "$(grep -c 'bind is no IPv4 address' wrong.out)" 5
for arguments in soon '""' '0 ""' '- x'; do
    eval "\"$EMP_BIN/example-servers\" $arguments" </dev/null >usage.out 2>usage.err
    expect "usage, $arguments: exit code" "$? $(grep -c '^usage: ' usage.err)" "2 1"
done
finish
