# A small run, again and again, in which one call fails: allocations, writes, fsync, sends, threads and files of the manager, the
# supervisor and a worker. A sample of the places; all of them: ./dev check fault.
. "$EMP_SOURCE/tests/system/lib.bash"
[ -z "$EMP_SANITIZE" ] || skip "a sanitizer has an allocator of its own"
"$EMP_BUILD/fault/fault" --folder "$PWD" --preload "$EMP_BUILD/fault/preload.so" --every "${FAULT_EVERY:-2}" --seconds 3 || fail "see above"
finish
