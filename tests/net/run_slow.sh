# SPDX-License-Identifier: BSD-3-Clause
#
# Links of 10 Mbit/s; 8 rows of 1 MiB, and results of 1 MiB back. Several are under way at once and fill the cable of h1, and nobody takes
# that for a silence: DEAD_AFTER is 2 s, and one of them needs 0.84 s of the whole cable.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"

rows=8
for ((i = 0; i < rows; i++)); do
    head -c 786430 /dev/urandom | base64 -w 0
    echo
done >rows.txt
cluster_up 3
cluster_job big.yaml 1 1 0 "DEAD_AFTER: 2" "BEAT: 0.5"
sed -i 's/range: .*/lines: rows.txt}/' big.yaml
for host in h1 h2 h3; do
    host_rate $host 10mbit
done
start=$(now_ms)
cluster_run big.yaml --procs 0
cluster_worker h2 2
cluster_worker h3 2
cluster_ends 60 big.yaml h2=0 h3=0
took=$(($(now_ms) - start))
grep -q ' lost' run.err && fail "somebody was lost: $(cat run.err)"
# Each way at once is 0.84 s a row by the cable of h1; both are full all the time or it takes twice as long.
[ $took -gt $((rows * 800)) ] || fail "faster than the cable: $took ms"
finish "$rows rows of 1 MiB there and back: $took ms"
