# SPDX-License-Identifier: BSD-3-Clause
#
# One manager, four workers, docker/compose.yaml: two workers are killed and one is paused while the run goes on, and the dictionary
# is that of a run without any of it.

mkdir -m 755 job local
cp "$EMP_MODULES/csv.so" "$EMP_MODULES/prime.so" job/
cp "$EMP_MODULES/csv.so" "$EMP_MODULES/prime.so" local/
sh "$EMP_SOURCE/examples/csv/make-revised" 2000000 "$PWD/local/revised.csv"
mkfifo -m 644 job/revised.csv
mkfifo gate
export EISENMP_JOB_DIR=$PWD/job EISENMP_WAIT=20 # so long the worker that was paused dials, when it wakes up too late
compose () { timeout 300 "${compose_program[@]}" -p "$project" -f "$EMP_SOURCE/docker/compose.yaml" "$@"; }

# cluster_job <name> <rows a ticket> <feed>
cluster_job ()
{
    printf '%s\n' "ROWS_MAX: $2" "RESULTS_STORE: true" "RESULTS_PRINT: false" "RESULTS_DICT_PRINT: true" "worker_modules:" \
        "  - {worker_path: $1.so, worker_ref: worker_entrance}" "feed:" "  - {queue: mp_input_q, $3}" | tee "job/$1.yaml" >"local/$1.yaml"
}
cluster_job prime 420 "range: {start: 1000000000000, count: 400000}"
cluster_job csv 1000 "csv: revised.csv, column: value"
chmod 644 job/*

"$EMP_SOURCE/docker/keys.sh" -p "$project" >keys.out 2>keys.err || { fail "keys: exit code $?"; cat keys.out keys.err; }
"$EMP_SOURCE/docker/keys.sh" -p "$project" >keys.again 2>>keys.err
expect "keys: the same when made again" "$(cat keys.again)" "$(cat keys.out)"
expect "keys: modes" "$(compose run --rm --no-deps -T keys 'cd /var/lib/eisenmp; stat -c "%a %u %n" */self.key' </dev/null 2>>keys.err)" \
    $'600 10001 keys/self.key\n600 10001 worker-keys/self.key'

goes_on () { [ "$(docker inspect --format '{{.State.Running}}' "$manager")" = true ]; }
# answered <n>: so many tickets are, or the run is over.
answered ()
{
    local lines
    lines=$(docker exec "$manager" sh -c 'cut -d , -f 2 answers.jsonl 2>/dev/null | sort -u | wc -l' 2>/dev/null) || ! goes_on || return
    [ "${lines:-$1}" -ge "$1" ]
}

# hit <name> <tickets> <answered before two are killed and one is paused> <and before that one goes on>
hit ()
{
    local name=$1 tickets=$2 worker workers code
    export EISENMP_JOB=$name.yaml EISENMP_OPTIONS="--stream answers.jsonl"
    compose up -d --scale worker=4 >up.log 2>&1 || { fail "$name: up: exit code $?"; cat up.log; return; }
    manager=$(compose ps -q manager)
    mapfile -t workers < <(compose ps -q worker)
    expect "$name: workers" "${#workers[@]}" 4
    until_true 120 answered "$3"
    expect "$name: health of the manager" "$(docker exec "$manager" eisenmp-healthy manager)" "eisenmp listens on port 7654"
    expect "$name: health of a worker" "$(docker exec "${workers[3]}" eisenmp-healthy worker)" "eisenmp-worker is connected to port 7654"
    docker kill "${workers[0]}" "${workers[1]}" >/dev/null || fail "$name: workers were not there to be killed"
    docker pause "${workers[2]}" >/dev/null || fail "$name: no worker was there to be paused"
    until_true 240 answered "$4"
    goes_on || fail "$name: the run was over too soon for what this shows"
    docker unpause "${workers[2]}" >/dev/null
    [ -z "${writer-}" ] || echo go >&"$go"
    code=$(timeout 240 docker wait "$manager") || fail "$name: no end within its time"
    docker logs "$manager" >"$name.out" 2>"$name.err"
    expect "$name: exit code" "$code" 0 || tail -n 5 "$name.err"
    for worker in "${workers[@]:2}"; do
        timeout 60 docker wait "$worker" >/dev/null || fail "$name: a worker does not leave: $(docker logs --tail 3 "$worker" 2>&1)"
    done
    expect "$name: how the one that nothing happened to ends" "$(docker inspect --format '{{.State.ExitCode}}' "${workers[3]}")" 0
    "$eisenmp" run --procs 2 "local/$name.yaml" >"$name.local" 2>"$name.local.err"
    same_dictionary "$name" "$name.out" "$name.local" "$tickets"
    compose rm -fsv manager worker >>up.log 2>&1
    docker volume rm -f "${project}_results" >/dev/null
}
hit prime 953 50 500

# The file comes through a pipe, the second half not before the paused worker goes on: so all of the first is answered without it, but
# for what waits for a next row.
exec {go}<>gate
(head -n 1000001; read -r _ <&"$go"; exec cat) <local/revised.csv >job/revised.csv &
writer=$!
hit csv 2000 50 990
kill "$writer" 2>/dev/null # it waits, when nobody has read
wait "$writer"

compose down -v --timeout 20 >down.log 2>&1 || { fail "down: exit code $?"; cat down.log; }
expect "down: containers" "$(docker ps -aq --filter "label=com.docker.compose.project=$project")" ""
expect "down: networks" "$(docker network ls -q --filter "label=com.docker.compose.project=$project")" ""
expect "down: volumes" "$(docker volume ls -q --filter "label=com.docker.compose.project=$project")" ""
