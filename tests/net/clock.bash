# SPDX-License-Identifier: BSD-3-Clause
#
# clock.bash - a wall clock for one command, which jumps when the test says so; the machine's is not touched.
#
#   clock_set clock 3600        from now on an hour ahead, for all that was started with this file
#   with_clock clock command... what it starts has that clock too

clock_set () { echo "$2" >"$1.new" && mv "$1.new" "$1"; }
with_clock ()
{
    local file
    file=$(readlink -f "$1")
    shift
    # The address sanitizer wants to be the first of what is loaded; for these four functions it need not.
    env EMP_CLOCK_FILE="$file" LD_PRELOAD="$EMP_BUILD/net/clock.so" ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" "$@"
}
