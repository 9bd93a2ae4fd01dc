# SPDX-License-Identifier: BSD-3-Clause
#
# The words of cluster.bash, with a program in the place of `eisenmp` that does no more than they ask for: it shows where keys and caches
# are, sends the worker's key over the hosts' network, and answers the job here.
real=$EMP_BIN/eisenmp
export real
mkdir bin
cat >bin/eisenmp <<'END'
#!/bin/bash
peer=$EMP_BUILD/net/peer
case "$1 $2" in
"keys new") (umask 077 && echo "key-of-$(uname -n)" >"$EISENMP_KEYS/own") && cat "$EISENMP_KEYS/own" ;;
"keys allow") echo "$5 $3" >>"$EISENMP_KEYS/allowed" ;;
"run --listen")
    "$peer" listen "${3#tcp://}" <><(:) 2>/dev/null | {
        read -r _ && read -r name key broker procs &&
            grep -qFx "$name $key" "$EISENMP_KEYS/allowed" && grep -qFx "$broker" "$EISENMP_KEYS/own" || exit 5
        exec "$real" run --procs "$procs" "${@:4}"
    } ;;
worker*) echo "$(uname -n) $(cat "$EISENMP_KEYS/own") $7 $5" | "$peer" connect "${3#tcp://}" >&2; : >"$EISENMP_CACHE/been-here" ;;
*) exec "$real" "$@" ;;
esac
END
chmod +x bin/eisenmp
export EMP_BIN=$PWD/bin
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"

cluster_up 3
job=$EMP_SOURCE/examples/prime/job.yaml
listens () { inside h1 ss -Hltn "sport = $cluster_port" | grep -q .; }
# once <name> <host> <code>
once ()
{
    cluster_run "$job"
    until_true 20 listens
    cluster_worker "$2" 2
    cluster_wait 60
    cluster_workers_over 20
    expect "$1: exit code" "$code" "$3"
}
once "a worker on h2" h2 0
cluster_same "$job"
expect "tickets" "$(answers_of run.out | wc -l)" 239
[ -e "$(host_folder h2)/cache/been-here" ] || fail "h2: its cache is elsewhere"
[ -e "$(host_folder h1)/cache/been-here" ] && fail "h1 has the cache of h2"
sed -i '/^h3 /d' "$(host_folder h1)/keys/allowed"
once "a worker that nobody allowed" h3 5
# A difference is seen.
sed -n '/_TID_7/!p' quiet.out >run.out
(cluster_same "$job") | grep -q '^FAIL: other tickets' || fail "a ticket less is no difference"
# So is a run that does not end, and it is ended.
cluster_run "$job"
until_true 20 listens
before=$failures
cluster_wait 0 >late.out
found="$((failures - before)): $(grep -c '^FAIL: not within its time' late.out): $code"
failures=$before
expect "a run that does not end" "$found" "1: 1: 137"
finish
