# Six runs whose processes are killed and stopped at random moments: the answers of the quiet run, byte for byte, and nothing left behind.
# More of them: ./dev check chaos. What a seed stands for: tests/chaos/README.md.
. "$EMP_SOURCE/tests/system/lib.bash"
slow=1
[ -z "$EMP_SANITIZE" ] || slow=5
"$EMP_BUILD/chaos/chaos" --folder "$PWD" --seed "${CHAOS_SEED:-1}" --runs "${CHAOS_RUNS:-6}" --slow $slow || fail "see above"
finish
