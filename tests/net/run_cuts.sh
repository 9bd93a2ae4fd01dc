# SPDX-License-Identifier: BSD-3-Clause
#
# A manager on h1 that has no workers of its own, workers on h2 and h3. Cables are cut in the middle of chunks, without a FIN, and mended:
# the run has the tickets of a quiet one. Whose session was given up meanwhile comes back by itself.
#
# DEAD_AFTER is 1.5 s and a cut twice as long. With EMP_CUT_S=30 a cut is as long as that, and DEAD_AFTER as long as in a job that says none.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/cluster.bash"

cut_s=${EMP_CUT_S:-3}
times=("DEAD_AFTER: 1.5" "BEAT: 0.3")
[ -z "${EMP_CUT_S:-}" ] || times=()
cluster_options=(--wait 60)
cluster_up 3

# Two workers of 0.2 s a chunk go on all the time, so the run lasts as long as the cut and is not over before h2 is back.
cluster_job one.yaml $((20 * (cut_s + 3))) 2 200 "${times[@]}"
cluster_begin one.yaml 2 h2 h3
host_cut h2
for_seconds "$cut_s"
host_mend h2
cluster_ends 60 one.yaml h2=0 h3=0
grep -q ' is gone$' h2.err || fail "one cable: h2 was not gone"

# The manager is alone, and the run stands still until they are back.
cluster_job both.yaml 50 2 200 "${times[@]}"
cluster_begin both.yaml 2 h2 h3
host_cut h2
host_cut h3
for_seconds "$cut_s"
host_mend h3
host_mend h2
cluster_ends 60 both.yaml h2=0 h3=0

# What h2 says does not come, and h3 hears nothing: both sides find out by themselves.
cluster_begin both.yaml 2 h2 h3
host_cut h2 out
host_cut h3 in
for_seconds "$cut_s"
host_mend h2
host_mend h3
cluster_ends 60 both.yaml h2=0 h3=0

# Too short for anybody to notice.
cluster_begin both.yaml 2 h2 h3
host_cut h2
for_seconds 0.7
host_mend h2
cluster_ends 60 both.yaml h2=0 h3=0
grep -q ' lost' run.err && fail "a short cut: somebody was lost"
finish
