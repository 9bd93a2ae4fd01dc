# SPDX-License-Identifier: BSD-3-Clause
#
# Every example's program exits 2, as its header says, when its workers cannot start: no module can be loaded.
. "$EMP_SOURCE/tests/system/lib.bash"
export EISENMP_MODULE_PATH=$PWD/modules
mkdir modules
for module in "$EMP_MODULES"/*.so; do cp "$EMP_TEST_MODULES/loader_unresolved.so" "modules/${module##*/}"; done
rm modules/watchdog.so # a mate, by another function; the one that is built does as well
printf 'value\n1\n2\n' >small.csv

# cannot <program> [arguments…]
cannot ()
{
    local program=$EMP_BIN/example-$1
    [ -x "$program" ] || return # CMake says what was left out
    "$program" "${@:2}" </dev/null >out 2>err
    expect "$1: exit code" "$? $(grep -c 'the workers could not start' err)" "2 1" || cat err
}
cannot prime
cannot csv small.csv
cannot double
cannot radio
cannot servers 0 0
cannot server 0
if [ -e /usr/share/dict/american-english-huge ] && [ -e /usr/share/dict/ngerman ]; then
    cannot bruteforce MANGO
    cannot listreduce mango
fi
finish
