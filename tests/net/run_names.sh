# SPDX-License-Identifier: BSD-3-Clause
#
# Names and IPv6 addresses of the manager's host, and wall clocks that jump by a day, of the manager's host and of a worker's.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"
. "$EMP_SOURCE/tests/net/clock.bash"

cluster_up 3
cluster_job job.yaml 320 4 50 "DEAD_AFTER: 2" "BEAT: 0.4"
day=86400

# h2 by its name, h3 by IPv6.
cluster_run job.yaml --procs 0
cluster_at=h1:$cluster_port
cluster_worker h2 1
cluster_at="[$(host_ip6 h1)]:$cluster_port"
cluster_worker h3 1
cluster_ends 60 job.yaml h2=0 h3=0
[ -e at_work.h2.0 ] && [ -e at_work.h3.0 ] || fail "a name, an IPv6 address: not both have worked"

# Each host has a clock of its own.
cluster_at=
for who in h1 h2; do
    clock_set clock 0
    rm -f at_work.*
    [ $who = h1 ] && cluster_clock=clock
    cluster_run job.yaml --procs 0
    cluster_clock=
    [ $who = h2 ] && cluster_clock=clock
    cluster_worker h2 2
    cluster_clock=
    cluster_worker h3 1
    until_true 30 cluster_at_work 3
    for jump in $day -$day 0; do
        clock_set clock $jump
        for_seconds 0.3
    done
    cluster_ends 60 job.yaml h2=0 h3=0
    grep -q ' lost' run.err && fail "a clock of $who jumps: somebody was lost: $(cat run.err)"
done
finish
