# SPDX-License-Identifier: BSD-3-Clause
#
# Hosts that come and go while a run is on: one joins in the middle, one leaves when it is asked, one has no power any more; and the
# manager's host has none.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"

cluster_options=(--wait 2)
cluster_up 4
cluster_job job.yaml 400 2 100 "DEAD_AFTER: 1.5" "BEAT: 0.3"

# h4 joins in the middle. h2 is asked to leave, finishes what it is at and is not missed; h3 has no power.
cluster_begin job.yaml 2 h2 h3
cluster_worker h4 2
until_true 20 cluster_at_work 6
host_signal TERM "${cluster_workers[h2]}"
until_true 10 is_over "${cluster_workers[h2]}"
[ -s run.code ] && fail "the run was over when h2 had left"
grep -q 'given up\|killed\|exited' h2.err && fail "h2 did not leave in order: $(cat h2.err)"
host_off h3
cluster_ends 60 job.yaml h2=0 h4=0
grep -q '3 workers lost' run.err || fail "h3's supervisor and two workers are not told as lost: $(cat run.err)"

# The manager is killed: who worked for it hears that at once, dials for --wait, and ends; nothing is left.
cluster_begin job.yaml 2 h2 h4
host_signal KILL "$cluster_manager"
cluster_workers_over 20
expect "the manager was killed: exit code of h2's workers" "${cluster_code[h2]}" 1
expect "the manager was killed: exit code of h4's workers" "${cluster_code[h4]}" 1
until_true 10 hosts_are_idle
wait "$cluster_manager" 2>/dev/null

# Killed and started anew at the same place: the same workers do the new run. And one that has no manager hears Ctrl-C.
cluster_options=(--wait 30)
cluster_begin job.yaml 2 h2 h4
host_signal KILL "$cluster_manager"
wait "$cluster_manager" 2>/dev/null
until_true 20 grep -q ' is gone$' h4.err
host_signal TERM "${cluster_workers[h4]}"
until_true 5 is_over "${cluster_workers[h4]}"
rm -f at_work.*
cluster_run job.yaml --procs 0
cluster_ends 60 job.yaml h2=0
finish
