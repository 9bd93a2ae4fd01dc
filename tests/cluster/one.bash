# SPDX-License-Identifier: BSD-3-Clause
#
# A run in one container, closed off as compose.yaml has it: its dictionary, its health, its end by `docker stop`.

hard=(--label "com.docker.compose.project=$project" --init --read-only --cap-drop ALL --security-opt no-new-privileges
    --network none --tmpfs /run/eisenmp:mode=0700,uid=10001,gid=10001 --tmpfs /tmp:mode=1777
    --tmpfs /results:mode=0700,uid=10001,gid=10001)
image=eisenmp-manager:$project

timeout 120 docker run --rm "${hard[@]}" "$image" run --procs 2 /usr/local/share/eisenmp/examples/prime/job.yaml \
    >one.out 2>one.err
expect "one: exit code" $? 0 || cat one.err
"$eisenmp" run --procs 2 "$EMP_SOURCE/examples/prime/job.yaml" >one.local 2>one.local.err
same_dictionary one one.out one.local 239

# An endless generator, until it is stopped: what was handed out is finished, and the rest has a name.
mkdir -m 755 endless
method=spawn job endless/job.yaml pace 10 10 "PROCS_MAX: 2" "toolbox: {chunk_us: 1000, mark: /tmp/begun}"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: numbers}|; s|$EMP_TEST_MODULES|/modules|" endless/job.yaml
container=$(docker run -d "${hard[@]}" --health-interval 1s -v "$PWD/endless:/job:ro" -v "$EMP_TEST_MODULES:/modules:ro" \
    "$image" run /job/job.yaml) || fail "endless: not started"
inside () { timeout 20 docker exec "$container" "$@"; }
health () { docker inspect --format '{{.State.Health.Status}}' "$container"; }
is_healthy () { [ "$(health)" = healthy ]; }
until_true 60 inside test -e /tmp/begun
until_true 60 is_healthy

# What is stopped is not healthy, nor is one that was started beside.
program=$(inside sh -c 'for f in /proc/[0-9]*; do [ "$(cat $f/comm)" != eisenmp ] || echo ${f#/proc/}; done' | sort -n | head -n 1)
inside sh -c "kill -STOP $program" || fail "health: cannot stop $program"
says=$(inside eisenmp-healthy manager)
expect "health: exit code of what is stopped" $? 1
expect "health: what is stopped" "$says" "eisenmp does not run: its state is T"
inside sh -c "kill -CONT $program"
expect "health: what goes on" "$(inside eisenmp-healthy manager)" "eisenmp runs"
expect "health: of a worker, where none is" "$(inside eisenmp-healthy worker)" "no eisenmp-worker runs here"

start=$(now_ms)
docker stop --time 60 "$container" >/dev/null
took=$(($(now_ms) - start))
[ $took -lt 20000 ] || fail "stop: $took ms"
echo "one: stopped within $took ms"
expect "stop: exit code" "$(docker inspect --format '{{.State.ExitCode}}' "$container")" 1
docker logs "$container" >stop.out 2>stop.err
answered=$(tickets stop.out | wc -l)
[ "$answered" -gt 0 ] || fail "stop: nothing was answered"
every_ticket_once stop stop.out "$answered"
expect "stop: the first that is missing" "$(grep -m 1 '^mp_input_q' stop.out)" "mp_input_q (default);_TID_$answered"
expect "stop: no worker was lost" "$(grep -c 'Workers lost' stop.out)" 0
docker rm -fv "$container" >/dev/null
