# SPDX-License-Identifier: BSD-3-Clause
#
# cluster.bash - a run whose manager is on h1 and whose workers are on other hosts; after lib.bash and hosts.bash.
#
#   cluster_up 3                        hosts, a key pair each, and h1 allows those of the others by their names
#   cluster_run job.yaml [options...]   on h1, listening; run.out, run.err, run.code; cluster_manager
#   cluster_worker h2 4 [options...]    4 processes; h2.out, h2.err; ${cluster_workers[h2]}
#   cluster_wait 60                     until the run has ended: $code, 137 when it had to be killed
#   cluster_workers_over 20             until all workers have, by themselves: ${cluster_code[h2]}
#   cluster_same job.yaml [options...]  the tickets of a quiet run without hosts, whatever the order
#   cluster_job job.yaml 600 2 20 [...] 600 numbers, two a ticket, 20 ms each ticket; more lines of it
#   cluster_begin job.yaml 2 h2 h3      cluster_run without workers of h1, 2 workers on each of these, until all have a chunk in hand
#   cluster_ends 60 job.yaml [h2=0...]  until all is over: exit code 0, the same tickets, workers with these exit codes, nothing left
#   for_seconds 1.5                     what a cut or a stall lasts; never to wait for something
#
# cluster_manager and ${cluster_workers[...]} are for host_pid and host_signal. With cluster_at set to HOST:PORT workers connect to
# that instead, for example to a proxy; with cluster_clock set to a file (clock.bash) manager and workers that begin have its clock.

cluster_port=5570 # of h1's own network, so it is nobody's else
cluster_at=
cluster_manager=
cluster_clock=
cluster_quiet= # of which job quiet.out is
declare -A cluster_workers=() cluster_key=() cluster_code=()

# eisenmp_on <host> arguments...
eisenmp_on ()
{
    local folder clock=()
    folder=$(host_folder "$1")
    [ -z "$cluster_clock" ] || clock=(EMP_CLOCK_FILE="$PWD/$cluster_clock" LD_PRELOAD="$EMP_BUILD/net/clock.so"
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0")
    on "$1" env "${clock[@]}" EISENMP_KEYS="$folder/keys" EISENMP_CACHE="$folder/cache" "$eisenmp" "${@:2}"
}
cluster_up ()
{
    local host
    hosts_up "$1" || return
    for host in "${hosts[@]}"; do
        mkdir -p -m 0700 "$(host_folder "$host")"/{keys,cache}
        cluster_key[$host]=$(eisenmp_on "$host" keys new 2>"$host.keys.err") ||
            { fail "$host: keys new: $(cat "$host.keys.err")"; return 1; }
        [ "$host" = h1 ] || cluster_allow "$host" || return
    done
}
cluster_allow ()
{
    eisenmp_on h1 keys allow "${cluster_key[$1]}" --name "$1" >"$1.allow.out" 2>&1 ||
        { fail "keys allow, of $1: $(cat "$1.allow.out")"; return 1; }
}
cluster_run ()
{
    rm -f run.code
    { eisenmp_on h1 run --listen "tcp://[::]:$cluster_port" "${@:2}" "$1"; echo $? >run.code; } >run.out 2>run.err &
    cluster_manager=$!
}
cluster_worker ()
{
    eisenmp_on "$1" worker --connect "tcp://${cluster_at:-$(host_ip h1):$cluster_port}" --procs "$2" \
        --broker-key "${cluster_key[h1]}" "${@:3}" >"$1.out" 2>"$1.err" &
    cluster_workers[$1]=$!
}
cluster_says () { tail -n 5 run.err h[0-9]*.err 2>/dev/null; }
cluster_wait ()
{
    code=none
    until_true "$1" is_over "$cluster_manager" || { cluster_says; host_signal KILL "$cluster_manager"; }
    wait "$cluster_manager" 2>/dev/null
    [ ! -e run.code ] || code=$(cat run.code)
}
cluster_workers_over ()
{
    local host
    for host in "${!cluster_workers[@]}"; do
        until_true "$1" is_over "${cluster_workers[$host]}" || { cluster_says; host_signal KILL "${cluster_workers[$host]}"; }
        wait "${cluster_workers[$host]}" 2>/dev/null
        cluster_code[$host]=$?
        unset "cluster_workers[$host]"
    done
}
# answers_of <report>: its dictionary as lines "queue ticket values", in order.
answers_of ()
{
    awk '/^\{\047/ { inside = 1 } !inside { next } /^ ?[{ ]\047/ { queue = $0 } /^  \(/ { sub (/\)\]?\}?,?$/, ""); print queue, $0 }' "$1" | sort
}
cluster_same ()
{
    [ "$cluster_quiet" = "$1" ] || "$eisenmp" run --procs 2 "${@:2}" "$1" >quiet.out 2>quiet.err ||
        { fail "the quiet run: $(tail -n 3 quiet.err)"; return 1; }
    cluster_quiet=$1
    [ -n "$(answers_of quiet.out)" ] || { fail "the quiet run has no tickets"; return 1; }
    diff <(answers_of quiet.out) <(answers_of run.out) >difference || fail "other tickets than a quiet run: $(head -n 5 difference)"
}
for_seconds () { read -rt "$1" <><(:) || :; }
# cluster_begin <job.yaml> <n> <hosts...>
cluster_begin ()
{
    local job=$1 procs=$2 host
    rm -f at_work.*
    cluster_run "$job" --procs 0
    for host in "${@:3}"; do
        cluster_worker "$host" "$procs" "${cluster_options[@]}"
    done
    until_true 30 cluster_at_work $(($# * procs - 2 * procs))
}
# cluster_at_work <n>: so many processes of workers have had a chunk.
cluster_at_work () { [ "$(compgen -G 'at_work.*' | wc -l)" -ge "$1" ]; }
cluster_job ()
{
    job "$1" haul "$2" "$3" "toolbox: {chunk_us: ${4}000, mark: $PWD/at_work${cluster_toolbox:-}}" "${@:5}"
}
# cluster_ends <seconds> <job.yaml> [host=code...]
cluster_ends ()
{
    local one
    cluster_wait "$1"
    cluster_workers_over 30
    expect "exit code" "$code" 0
    cluster_same "$2"
    for one in "${@:3}"; do
        expect "exit code of ${one%=*}'s workers" "${cluster_code[${one%=*}]}" "${one#*=}" || tail -n 5 "${one%=*}.err"
    done
    until_true 10 hosts_are_idle || fail "left on a host: $(hosts_left | xargs -r ps -o pid,args -p)"
}
# hosts_left: processes that have lost their parents, which are the children of a host's first one.
hosts_left ()
{
    local host
    for host in "${hosts[@]}"; do
        [ -z "${host_init[$host]:-}" ] || children "${host_init[$host]}"
    done
}
hosts_are_idle () { [ -z "$(hosts_left)" ]; }
cluster_options=()
