# SPDX-License-Identifier: BSD-3-Clause
#
# A worker's host that is far away, behind a way that stands still for seconds, or one that resets its connections every second: all three
# at once, each with a manager of its own and in a network of its own. What a run needs is more than its rows: keys, a module and a large
# attribute are brought the same way.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"
. "$EMP_SOURCE/tests/net/proxy.bash"

# far <options...>: workers dial a proxy of h1.
far ()
{
    where=(on h1)
    listen=0.0.0.0:0 proxy_up far --to "127.0.0.1:$cluster_port" "$@" || return
    where=()
    cluster_at=$(host_ip h1):${port[far]}
}

cluster_options=(--wait 30)

# each <way>: in a folder and a process of its own.
way=${1:-}
if [ -z "$way" ]; then
    for way in delay stall reset; do
        mkdir $way
        (cd $way && EMP_SCRATCH=$PWD exec bash "$EMP_SOURCE/tests/net/run_proxy.sh" $way) >$way.log 2>&1 &
        others+=($!)
    done
    for pid in "${others[@]}"; do
        wait "$pid"
        case $? in
        0) ;;
        77) skipped=1 ;;
        *) failures=$((failures + 1)) ;;
        esac
    done
    cat ./*.log
    [ -z "${skipped:-}" ] || [ $failures != 0 ] || exit 77
    finish
fi
cluster_up 2
seq 200000 >words.txt
cluster_toolbox=", words: !lines words.txt"
cluster_job numbers.yaml 600 4 10
cluster_job slow.yaml 120 2 100
case $way in
delay)
    far --delay 100
    cluster_begin numbers.yaml 2 h2
    cluster_ends 60 numbers.yaml h2=0
    grep -q ' lost' run.err && fail "somebody was lost: $(cat run.err)"
    ;;
stall)
    # While the module is brought, too.
    far --stall 500,2500
    cluster_begin slow.yaml 2 h2
    cluster_ends 60 slow.yaml h2=0
    grep -q ' lost' run.err && fail "somebody was lost: $(cat run.err)"
    ;;
reset)
    # Chunks that take no time, and ones that take longer than a connection lasts.
    far
    cluster_job long.yaml 12 1 1200
    for file in slow.yaml long.yaml; do
        cluster_begin $file 2 h2
        for i in {1..8}; do
            for_seconds 0.9
            is_over "$cluster_manager" || proxy_says far reset
        done
        cluster_ends 60 $file
        grep -q 'its connection to the broker broke' h2.err || fail "$file: no connection broke"
        grep -q 'not started again' h2.err && fail "$file: a worker was given up"
    done
    ;;
esac
finish $way
