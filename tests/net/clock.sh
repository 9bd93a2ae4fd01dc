# SPDX-License-Identifier: BSD-3-Clause
#
# The wall clock of one process jumps, forwards and back; its monotonic clock goes on, and so does everybody else's wall clock.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/proxy.bash"
. "$EMP_SOURCE/tests/net/clock.bash"

# clocks <what>: ${clocks[@]}: four of the wall, then the steady one.
clocks ()
{
    echo >&"${to[shifted]}"
    read -rt 20 -a clocks <&"${from[shifted]}" || fail "$1: no clocks: $(cat shifted.err)"
}
# off <what> <seconds>: all four are, from the machine's; 100 s for who is slow.
off ()
{
    local clock
    clocks "$1"
    for clock in "${clocks[@]:0:4}"; do
        clock=$((clock - EPOCHSECONDS - $2))
        [ "${clock#-}" -le 100 ] || fail "$1: a wall clock is off by $clock s"
    done
    [ $((clocks[4] - steady)) -ge 0 ] && [ $((clocks[4] - steady)) -le 100 ] || fail "$1: the steady clock went from $steady to ${clocks[4]}"
    steady=${clocks[4]}
}
where=(with_clock clock)
net_up shifted "$EMP_BUILD/net/clocks"
clocks "no file"
steady=${clocks[4]}
off "no file" 0
clock_set clock 3600
off "an hour ahead" 3600
clock_set clock -86400
off "a day behind" -86400
there=$(with_clock clock bash -c 'date +%s')
expect "a child's child, a day behind" "$(((there - EPOCHSECONDS + 86400 + 100) / 201))" 0
clock_set clock 0
off "and back" 0
net_down shifted
finish
