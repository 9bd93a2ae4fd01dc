# SPDX-License-Identifier: BSD-3-Clause
#
# Hosts see each other and nothing of each other's, cables are cut and mended under a connection that stays, and nothing of all that
# is there afterwards, however the test ends.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
. "$EMP_SOURCE/tests/net/proxy.bash"

now_us () { echo "${EPOCHREALTIME/[.,]/}"; }
has () { grep -q "$2" "$1"; }
all_over () { local pid; for pid in "$@"; do is_over "$pid" || return; done; }
# networks: of all processes of this machine.
networks () { readlink /proc/[0-9]*/ns/net | sort -u; }
none_of () { ! grep -qFx "$(printf '%s\n' "$@")" < <(networks); }
# pair <name>: <name>.server on h1, <name>.client on h2, connected.
pair ()
{
    where=(on h1)
    peer_up "$1.server" listen '[::]:0' || return
    where=(on h2)
    peer_up "$1.client" connect "h1:${port[$1.server]}"
    where=()
    until_true 20 has "$1.server.err" connected
}

# links: how many of our names the machine's own network has; others may change the rest of it meanwhile.
links () { ip -o link | grep -cE '^[0-9]+: (h[0-9]+|switch)[@:]'; }

before=$(links)
hosts_up 3
expect "links in the machine's own network" "$(links)" "$before"

# ---- who they are, and what they see
for host in "${hosts[@]}"; do
    expect "$host: its name" "$(on "$host" uname -n)" "$host"
done
expect "h1: its first process" "$(on h1 cat /proc/1/cmdline | tr '\0' '\n' | grep '^host-')" host-h1
echo mine >"$(host_folder h1)/home/file"
expect "h1: its home" "$(on h1 bash -c 'cat ~/file')" mine
on h2 test -e "$(host_folder h1)/home/file" && fail "h2 sees the files of h1"
on h1 bash -c 'exit 7'
expect "exit code" $? 7
where=(on h1)
peer_up echo echo '[::]:0'
for host in h2 h3; do
    for address in "$(host_ip h1)" "[$(host_ip6 h1)]" h1; do
        where=(on $host)
        peer_up caller connect "$address:${port[echo]}"
        peer_sends caller "$host $address"
        peer_gets caller 20
        expect "$host to $address" "$line" "$host $address"
        net_down caller
    done
done
where=()

# ---- processes: signals reach the command itself, and who has lost his parent is reaped
{ on h3 bash -c 'exec sleep 1000'; } 2>/dev/null &
sleeper=$!
pid=$(host_pid $sleeper)
[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 1000 " ] || until_true 20 has "/proc/$pid/cmdline" sleep
state () { [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)" = "$2" ]; }
host_signal STOP $sleeper
until_true 20 state "$pid" T
host_signal CONT $sleeper
until_true 20 state "$pid" S
host_signal TERM $sleeper
wait $sleeper
expect "after SIGTERM" $? 143
on h3 bash -c '(exec sleep 0 &)'
# shellcheck disable=SC2317
no_zombie () { local child; for child in $(children "${host_init[h3]}"); do ! state "$child" Z || return; done; }
until_true 20 no_zombie

# ---- a cut that nobody is told of, under one connection
pair cable
host_cut h2
peer_sends cable.client one
peer_gets cable.server 0.3 && fail "came through a cut: $line"
host_mend h2
peer_gets cable.server 20
expect "after the mend" "$line" one
host_cut h2 out
peer_sends cable.server down
peer_gets cable.client 20
expect "the other way" "$line" down
peer_sends cable.client two
peer_gets cable.server 0.3 && fail "came through a cut of one way: $line"
host_mend h2
peer_gets cable.server 20
expect "after the second mend" "$line" two
# A new connection: one that has lost something sends no more before it has an answer.
pair other
host_cut h2 in
peer_sends other.client three
peer_gets other.server 20
expect "in is cut" "$line" three
peer_sends other.server four
peer_gets other.client 0.3 && fail "came in through a cut: $line"
host_mend h2
peer_gets other.client 20
expect "after the third mend" "$line" four
# Half open: h2's end is gone, and h1 learns it when it sends.
host_cut h2
host_signal KILL "${pids[cable.client]}"
until_true 20 is_over "${pids[cable.client]}"
host_mend h2
expect "half open" "$(cat cable.server.err)" connected
peer_sends cable.server "anybody there?"
net_over cable.server 3
has cable.server.err 'reset by peer' || fail "half open: $(cat cable.server.err)"

# ---- rate: of the same connection, with a limit and without
pair slow
# poured <what> <from> <to>: $us until it has come
poured ()
{
    local begin count
    begin=$(now_us)
    head -c 500000 /dev/zero >&"${to[$2]}" &
    count=$(head -c 500000 <&"${from[$3]}" | wc -c)
    us=$(($(now_us) - begin))
    wait $!
    expect "$1: bytes" "$count" 500000
}
host_rate h2 4mbit
for way in "out slow.client slow.server" "in slow.server slow.client"; do
    # shellcheck disable=SC2086
    poured $way
    echo "500000 bytes at 500000 a second, ${way%% *}: $us us"
    [ "$us" -ge 800000 ] && [ "$us" -le 2500000 ] || fail "4 Mbit/s, ${way%% *}: $us us"
done
limited=$us
host_rate h2 none
poured "no limit" slow.client slow.server
[ "$us" -lt $((limited / 2)) ] || fail "no limit: $us us, and $limited with it"

# ---- no power
pair dark
init=${host_init[h2]}
host_off h2
until_true 20 all_over "$init" "${pids[dark.client]}"
expect "h1 was told nothing" "$(cat dark.server.err)" connected
on h2 true >off.out
expect "h2 is off" "$?: $(cat off.out)" "125: FAIL: no host h2"
failures=$((failures - 1)) # that one was wanted

# ---- and gone
found=("${host_net[@]}")
expect "networks there were" ${#found[@]} 3
for name in "${!pids[@]}"; do
    net_down "$name"
done
inits=("${host_init[@]}")
hosts_down
all_over "${inits[@]}" || fail "a host is still there"
none_of "${found[@]}" || fail "a network is still there"
expect "links in the machine's own network afterwards" "$(links)" "$before"

# ---- also when the test is killed, with a process that has left its session
cat >victim.sh <<'END'
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/hosts.bash"
hosts_up 2
on h1 setsid bash -c '(setsid sleep 1000 >/dev/null 2>&1 &) ; exec sleep 1000' &
pid=$(host_pid $!)
sleeps () { [ "$(grep -lx sleep /proc/[0-9]*/comm 2>/dev/null | xargs -r dirname | xargs -r -I{} readlink {}/ns/net | grep -cFx "${host_net[h1]}")" = 2 ]; }
until_true 20 sleeps
printf '%s\n' "${host_net[@]}" >networks
kill -KILL $$
END
(EMP_SCRATCH=$PWD/victim && export EMP_SCRATCH && mkdir victim && exec bash victim.sh >victim.out 2>&1) &
wait $! 2>/dev/null
grep FAIL victim.out && fail "the victim, see above"
mapfile -t found <networks
expect "networks of the victim" ${#found[@]} 3
until_true 20 none_of "${found[@]}"
expect "links in the machine's own network after a kill" "$(links)" "$before"
finish
