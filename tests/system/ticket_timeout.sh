# TICKET_TIMEOUT: a module that never comes back from a chunk is killed, the chunk tried again and then dead, with a reason;
# all else is answered. A worker without a chunk, and chunks that are short, however many, have all time.
. "$EMP_SOURCE/tests/system/lib.bash"
each_method

job wedge.yaml trouble 1000 10 "PROCS_MAX: 2" "TICKET_TIMEOUT: 0.2" "STOP_GRACE: 600" "toolbox: {trouble: wedge, at: 777}"
"$eisenmp" run wedge.yaml >wedge.out 2>wedge.err
expect "wedge: exit code" $? 1
expect "wedge: tickets answered" "$(tickets wedge.out | cksum)" "$(seq 0 99 | grep -vx 77 | cksum)"
reason='worker killed: had its ticket for longer than TICKET_TIMEOUT, peak memory [0-9.]* MiB'
grep -q "^mp_input_q (default);_TID_77: [0-9]* attempts: $reason" wedge.out || fail "wedge: $(tail -n 20 wedge.out)"
grep -q "^Process-[12] (pid [0-9]*): killed: had its ticket for longer than TICKET_TIMEOUT, peak" wedge.out ||
    fail "wedge: the report does not name the worker"

# 300 chunks of 3 ms under a limit of 300 ms, in two processes, then an idle time: nobody is killed.
job short.yaml pace 300 1 "PROCS_MAX: 2" "TICKET_TIMEOUT: 0.3" "toolbox: {chunk_us: 3000}"
"$eisenmp" run short.yaml >short.out 2>short.err
expect "short: exit code" $? 0
every_ticket_once short short.out 300
expect "short: nobody was lost" "$(grep -c 'Workers lost' short.out)" 0

# Found at its key: what is no time is refused, null is none.
for bad in -1 0.0001 1e9 '"soon"'; do
    sed "s/TICKET_TIMEOUT: .*/TICKET_TIMEOUT: $bad/" short.yaml >bad.yaml
    "$eisenmp" run bad.yaml >bad.out 2>bad.err
    expect "TICKET_TIMEOUT $bad: exit code" $? 2
    grep -q 'TICKET_TIMEOUT: found .*expected a number of seconds from 0 to 2592000, or null' bad.err || fail "$bad: $(cat bad.err)"
done
for none in 0 null; do
    sed "s/TICKET_TIMEOUT: .*/TICKET_TIMEOUT: $none/" short.yaml >none.yaml
    "$eisenmp" run none.yaml >none.out 2>none.err
    expect "TICKET_TIMEOUT $none: exit code" $? 0
done
finish
