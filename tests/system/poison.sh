# One row of 10 000 that crashes its worker, in a chunk that runs beside others: it is named, all other rows are answered.
. "$EMP_SOURCE/tests/system/lib.bash"
for tool in ASAN UBSAN TSAN; do export "${tool}_OPTIONS=$(eval "echo \${${tool}_OPTIONS:-}"):handle_segv=0:handle_abort=0"; done

job row.yaml trouble 30000 10000 "PROCS_MAX: 2" "toolbox: {trouble: segv, at: 17777}"
"$eisenmp" run --results row.db row.yaml >row.out 2>row.err
expect "exit code" $? 1
expect "rows answered" "$(grep -c '2 of 3 tickets answered, 29999 rows' row.err)" 1
expect "sum of them" "$(sed -n "s/^  ('_TID_[0-9]*', \([0-9]*\)).*/\1/p" row.out | awk '{ sum += $1 } END { printf "%d", sum }')" \
    $((30000 * 29999 / 2 - 17777))
attempts=$(sed -n 's/^mp_input_q (default);_TID_1 row 7777: \([0-9]*\) attempts: worker killed by signal 11.*/\1/p' row.out)
[ "${attempts:-999}" -le 16 ] || fail "attempts of the bad row: found '$attempts', expected at most 16, log2 (10000) + 3"
expect "its life" "$("$eisenmp" explain _TID_1 row.db | grep -c 'row 7777: dead after')" 1

# A worker that is killed from outside in the middle of a chunk is no sign of a bad row.
job outside.yaml trouble 100 100 "PROCS_MAX: 1" "toolbox: {trouble: once, at: 50, mark: $PWD/mark}"
"$eisenmp" run outside.yaml >outside.out 2>outside.err
expect "outside: exit code" $? 0
expect "outside: one result" "$(grep -c "('_TID_0', 4950)" outside.out)" 1
finish
