# SPDX-License-Identifier: BSD-3-Clause
#
# E8: `eisenmp examples`: the list, one by its name, the menu in a terminal, and what the page's server answers.
# The page itself, in a browser: examples_page.sh.
. "$EMP_SOURCE/tests/system/lib.bash"

# ---- the list: every folder of the tree that has a job file ------------------------------------------------------------
"$eisenmp" examples >list 2>err
expect "list: exit code" $? 0
expect "list: --list is the same" "$("$eisenmp" examples --list | cksum)" "$(cksum <list)"
expect "E8: list: job files" "$(cut -f 2 list | sort)" "$(printf '%s\n' "$EMP_SOURCE"/examples/*/*.yaml | sort)"
expect "list: folders" "$(cut -f 1 list | cut -d / -f 1 | sort -u)" \
    "$(cd "$EMP_SOURCE/examples" && printf '%s\n' */*.yaml | cut -d / -f 1 | sort -u)"
grep -qx "csv/seattle	$EMP_SOURCE/examples/csv/seattle.yaml" list || fail "list: no csv/seattle: $(cat list)"

# ---- by name -------------------------------------------------------------------------------------------------------------
primes () { sed -n '/^--- Result for/,/^    --- END ---$/p' "$1" | grep -cx '[0-9]*'; }
"$eisenmp" examples prime >prime.out 2>err
expect "prime: exit code" $? 0
expect "prime: primes" "$(primes prime.out)" 335
"$eisenmp" examples prime/job >prime.out 2>err
expect "prime/job: exit code" $? 0

# refused <words> <pattern>: exit 2, nothing on stdout, the pattern on stderr
refused ()
{
    # shellcheck disable=SC2086
    "$eisenmp" examples $1 >out 2>err
    expect "$1: exit code" $? 2
    [ ! -s out ] || fail "$1: something is on stdout"
    grep -qE "$2" err || fail "$1: found '$(cat err)', expected '$2'"
}
refused prmie 'unknown example "prmie", did you mean "prime"'
refused csv/seatle 'did you mean "csv/seattle"'
refused ../prime unknown
refused "--web 65536" "found \"65536\", expected a port"
refused "--web=x" "found \"x\", expected a port"
refused "prime csv" "one at a time"
EISENMP_EXAMPLES=$PWD/nowhere refused --list "nowhere.*No such file.*EISENMP_EXAMPLES"
mkdir none several several/two
EISENMP_EXAMPLES=none "$eisenmp" examples >out; expect "an empty folder: exit code, output" "$? $(cat out)" "0 "
touch several/two/one.yaml several/two/other.yaml several/two/.hidden.yaml several/two/one.txt "several/two/sp ace.yaml"
expect "several" "$(EISENMP_EXAMPLES=several "$eisenmp" examples | cut -f 1 | tr '\n' ' ')" "two/one two/other "
EISENMP_EXAMPLES=several refused two 'there is two/other'
"$eisenmp" examples >/dev/full 2>err; expect "list >/dev/full: exit code" $? 1

# ---- the menu in a terminal: script(1) is one ------------------------------------------------------------------------------
mkdir menu && cp -r "$EMP_SOURCE/examples/prime" menu/ && mkdir menu/long
job menu/long/job.yaml pace 1000000 1 "PROCS_MAX: 1" "STOP_GRACE: 0.5" "toolbox: {chunk_us: 1000}"
sed -i '1i # Never ends by itself. Ctrl-C ends it.' menu/long/job.yaml
mkfifo typed
EISENMP_EXAMPLES=menu script -qefc "$eisenmp examples" /dev/null <typed >menu.out &
menu=$!
exec 5>typed
count () { [ "$(grep -c "$1" menu.out)" -ge "$2" ]; }
until_true 20 count 'q to quit: ' 1
grep -q '^  1  long   Never ends by itself\..$' menu.out || fail "menu: no title of long: $(cat menu.out)"
grep -q '^  2  prime  Which of the 10 000 numbers from 10^12 on are prime?.$' menu.out || fail "menu: no title of prime"
printf '2\n' >&5
until_true 60 count '^prime exited with 0' 1
expect "menu: primes" "$(tr -d '\r' <menu.out >clean; primes clean)" 335
printf 'nonsense\n' >&5
until_true 20 count 'There is no "nonsense"' 1
printf 'long\n' >&5 # and a Ctrl-C, which is the run's: the menu stays
descendants () { local c; for c in $(children "$1"); do echo "$c"; descendants "$c"; done; }
# However many shells there are between.
worker_is_there ()
{
    local p
    for p in $(descendants $menu); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" = Process-1 ] && return; done
    return 1
}
until_true 20 worker_is_there
printf '\003' >&5
until_true 30 count '^long exited with 1' 1
grep -q 'once more to stop' menu.out || fail "menu: Ctrl-C did not drain"
until_true 20 count 'q to quit: ' 4
printf 'q\n' >&5
exec 5>&-
wait $menu
expect "menu: exit code" $? 0
EISENMP_EXAMPLES=menu script -qefc "$eisenmp examples" /dev/null <<<$'\004' >eof.out
expect "menu: Ctrl-D: exit code" $? 0

# ---- without libmicrohttpd there is no page --------------------------------------------------------------------------------
mkdir bare && cp "$EMP_BIN/eisenmp" "$EMP_BIN/eisenmp-examples" bare/
(eisenmp=bare/eisenmp PATH=/usr/bin:/bin; export EISENMP_EXAMPLES=menu; refused --web 'built where libmicrohttpd is'; exit $failures) || failures=$((failures + 1))

# ---- the server of the page ----------------------------------------------------------------------------------------------
[ -x "$EMP_BIN/eisenmp-examples-web" ] || skip "the page: built without libmicrohttpd"
mkdir menu/flood menu/stubborn
cat >menu/flood/job.yaml <<YAML
RESULTS_DICT_PRINT: true
worker_modules: [{worker_path: $EMP_MODULES/prime.so, worker_ref: worker_entrance}]
RESULTS_PRINT: true
feed: [{queue: mp_input_q, range: {start: 2, count: 1500000}}]
YAML
# Its worker never returns, and its grace is long: only the second signal ends it.
job menu/stubborn/job.yaml trouble 1000 10 "PROCS_MAX: 1" "STOP_GRACE: 600" "toolbox: {trouble: wedge, at: 5}"

# serve <file>: a server whose address is in the file; $server, $port and $token.
serve ()
{
    local url
    EISENMP_EXAMPLES=menu "$eisenmp" examples --web >"$1" 2>"$1.err" &
    server=$!
    until_true 20 test -s "$1"
    url=$(cat "$1")
    [[ $url =~ ^http://127\.0\.0\.1:([0-9]+)/([0-9a-f]{32})/$ ]] || fail "found the address '$url'"
    port=${BASH_REMATCH[1]} token=${BASH_REMATCH[2]}
}
# request <method> <path> [host]: the answer, until the server closes, in the file "answer"; its code in $code.
request ()
{
    exec 7<>"/dev/tcp/127.0.0.1/$port" || return
    printf '%s %s HTTP/1.1\r\n%sConnection: close\r\nContent-Length: 0\r\n\r\n' "$1" "$2" "${3-Host: 127.0.0.1:$port$'\r\n'}" >&7
    timeout 20 cat <&7 >answer
    exec 7>&-
    code=$(sed -n '1s/^HTTP\/1.1 \([0-9]*\).*/\1/p' answer)
}
answers () { request "$1" "$2" "${@:4}"; expect "$1 $2 ${*:4}" "$code" "$3"; }
# listen <file>: the stream of events into a file, by a process $listener.
listen ()
{
    (exec 7<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n' "$token" >&7
        exec cat <&7) >"$1" &
    listener=$!
    until_true 20 grep -q 'event: list' "$1"
}
# output <file> <run> <stream>: what it wrote.
output () { sed -n "s/.*\"run\":$2,\"stream\":$3,\"base64\":\"\([^\"]*\)\".*/\1/p" "$1" | while read -r text; do base64 -d <<<"$text"; done; }
told () { grep -q "\"run\":$2,\"number\":$3,\"state\":\"$4\".*\"how\":\"$5\"" "$1"; } # <file> <run> <number> <state> <how>

serve url
answers GET "/$token/" 200
grep -qi '^content-security-policy: default-src .none' answer || fail "the page has no policy: $(head -n 12 answer)"
! grep -q '@NONCE@' answer || fail "the page has a nonce that everybody knows"
wrong=${token//[0-7]/8}
for path in / /events "/start/prime" "/$wrong/" "/$wrong/events" "/${token:0:31}/" "//$token/"; do
    answers GET "$path" 403
done
answers POST "/$wrong/start/prime" 403
for host in "" $'Host: evil.example\r\n' $'Host: 127.0.0.1.evil.example\r\n' $'Host: localhost:\r\n'; do
    request GET "/$token/" "$host" # without any, the library itself refuses
    case "$code" in 403 | 400) ;; *) fail "'$host' got $code" ;; esac
done
# Without the token the answer does not wait for a body, which would hold one of the connections; with it, it does.
# answers_head <path> <code> <seconds>: to a head whose body never comes.
answers_head ()
{
    exec 7<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n' "$1" >&7
    timeout "$3" cat <&7 >answer
    exec 7>&-
    expect "a body that never comes, $1" "$(sed -n '1s/^HTTP\/1.1 \([0-9]*\).*/\1/p' answer)" "$2"
}
answers_head "/$wrong/start/prime" 403 20
answers_head "/$token/start/nothing" "" 0.2
answers GET "/$token/" 200 $'Host: LocalHost:1\r\n'
answers GET "/$token/start/prime" 405
answers POST "/$token/events" 405
answers GET "/$token/nothing" 404
answers POST "/$token/start/nothing" 404
answers POST "/$token/stop/prime" 409
expect "listens on this machine only" "$(awk -v port="$(printf :%04X "$port")" '$2 ~ port "$" && $4 == "0A" { print $2 }' /proc/net/tcp /proc/net/tcp6)" \
    "0100007F:$(printf %04X "$port")"

# flood 0, long 1, prime 2, stubborn 3: several at once, the output as it comes.
listen events
answers POST "/$token/start/long" 204
until_true 5 told events 1 1 running "" # before the next beat
answers POST "/$token/start/long" 409
answers POST "/$token/start/prime" 204
until_true 60 told events 2 1 over "exit 0"
output events 2 1 >web.out
expect "page: primes" "$(primes web.out)" 335
answers POST "/$token/stop/long" 204
until_true 60 told events 1 1 over "exit 1"
output events 1 2 | grep -q 'once more to stop' || fail "page: what long said on stderr is not there"
! output events 1 1 | grep -q 'once more to stop' || fail "page: stderr is told as stdout"
answers POST "/$token/start/prime" 204
until_true 60 told events 2 2 over "exit 0"
kill $listener; wait $listener 2>/dev/null

# A page that never reads does not hold the run up; one that comes later gets the last MiB, and is told of the rest.
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n' "$token" >&8
answers POST "/$token/start/flood" 204
listen events
until_true 100 told events 0 1 over "exit 0"
kill $listener; wait $listener 2>/dev/null
exec 8>&-
listen late
until_true 20 told late 0 1 over "exit 0"
grep -q 'event: lost' late || fail "what is gone is not said"
output late 0 1 >flood.out
[ "$(wc -c <flood.out)" -gt 1000000 ] && [ "$(wc -c <flood.out)" -le 1048576 ] || fail "kept: $(wc -c <flood.out) bytes"
lost=$(sed -n 's/.*"run":0,"bytes":\([0-9]*\)}.*/\1/p' late)
"$eisenmp" run menu/flood/job.yaml >whole.out 2>err
expect "kept and lost are all" $((lost + $(wc -c <flood.out))) "$(wc -c <whole.out)"
tail -n 1 flood.out | grep -q '\]}$' || fail "the end is not there"
kill $listener; wait $listener 2>/dev/null

# Ctrl-C ends what runs, also who does not heed the first signal; with_reports.sh looks for what is left.
listen last
answers POST "/$token/start/stubborn" 204
answers POST "/$token/start/long" 204
runs_work () { local run; for run in $(children $server); do at_work "$run" 1 || return; done; }
until_true 20 runs_work
kill -INT $server
until_true 20 told last 3 1 stopping ""
wait $server
expect "server: exit code" $? 0
told last 3 1 over "exit 1" || fail "how stubborn ended is not told: $(grep -a '"run":3' last | tail -n 1)"
wait $listener

# kill -9 of the server: its runs die with it.
serve url2
for name in long stubborn; do answers POST "/$token/start/$name" 204; done
until_true 20 runs_work
runs=$(children $server)
expect "two run" "$(wc -w <<<"$runs")" 2
kill -KILL $server
wait $server 2>/dev/null
for run in $runs; do until_true 20 is_over "$run"; done

# A port that is taken is said.
serve url3
EISENMP_EXAMPLES=menu "$eisenmp" examples --web "$port" >out 2>err
expect "a port that is taken: exit code" $? 1
grep -q 'in use' err || fail "a port that is taken: $(cat err)"
kill -TERM $server
wait $server
expect "SIGTERM: exit code" $? 0
finish
