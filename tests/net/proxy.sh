# SPDX-License-Identifier: BSD-3-Clause
#
# The proxy does what it is told, measured in its own terms: a delay against a delay, a rate against the time of so many bytes.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/net/proxy.bash"

now_us () { echo "${EPOCHREALTIME/[.,]/}"; }
# round_trip <client>: $us of one line to the echo and back.
round_trip ()
{
    local begin
    begin=$(now_us)
    peer_sends "$1" hello && peer_gets "$1" 20 || fail "$1: nothing came back"
    us=$(($(now_us) - begin))
}
# best <client>: $best of several, which other people's load makes longer, never shorter.
best ()
{
    local i
    best=
    for i in 1 2 3 4 5; do
        round_trip "$1"
        [ -n "$best" ] && [ "$best" -le "$us" ] || best=$us
    done
}
between () { [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || fail "$1: found $2, expected $3 to $4"; }
stat_of () { proxy_says "$1" stats; read -ra words <<<"$answer"; for ((i = 1; i < ${#words[@]}; i += 2)); do [ "${words[i]}" != "$2" ] || echo "${words[i + 1]}"; done; }
stat_is () { [ "$(stat_of "$1" "$2")" = "$3" ]; }
has () { grep -q "$2" "$1"; }
# pair <name> <proxy options...>: <name>.server that listens, the proxy <name>, <name>.client that is connected through it.
pair ()
{
    peer_up "$1.server" listen 127.0.0.1:0 && proxy_up "$1" --to "127.0.0.1:${port[$1.server]}" "${@:2}" &&
        peer_up "$1.client" connect "127.0.0.1:${port[$1]}" && until_true 20 has "$1.server.err" connected
}
# poured <name> <bytes>: $us until so many have come.
poured ()
{
    local begin count
    begin=$(now_us)
    head -c "$2" /dev/zero >&"${to[$1.client]}" &
    count=$(head -c "$2" <&"${from[$1.server]}" | wc -c)
    us=$(($(now_us) - begin))
    wait $!
    expect "$1: bytes" "$count" "$2"
}

# ---- delay: each way, never less, not much more; and no throttle
peer_up echo echo 127.0.0.1:0
for ms in 0 50 150; do
    proxy_up "far$ms" --to "127.0.0.1:${port[echo]}" --delay $ms
    peer_up "near$ms" connect "127.0.0.1:${port[far$ms]}"
    best "near$ms"
    declare "delay$ms=$best"
done
echo "round trips over 0, 50 and 150 ms each way: $delay0, $delay50, $delay150 us"
between "twice 50 ms" "$delay50" 100000 $((200000 + delay0))
between "twice 150 ms" "$delay150" 300000 $((450000 + delay0))
proxy_says far0 delay 80
best near0
between "twice 80 ms, told later" "$best" 160000 320000

pair pour --delay 50
poured pour 8388608
# One piece at a time would be 128 delays.
between "8 MiB over 50 ms" "$us" 50000 $((128 * 50000 / 2))

# ---- rate
pair slow --rate 400000
poured slow 600000
echo "600000 bytes at 400000 a second: $us us"
between "600000 bytes at 400000 a second" "$us" 1200000 3000000

# ---- cut and mend, of one connection
pair cable
proxy_says cable cut
peer_sends cable.client one
until_true 20 eval '[ "$(stat_of cable held)" -gt 0 ]'
peer_gets cable.server 0.1 && fail "came through a cut: $line"
expect "bytes through a cut" "$(stat_of cable up)" 0
proxy_says cable mend
peer_gets cable.server 20
expect "after the mend" "$line" one
proxy_says cable cut up
peer_sends cable.server down
peer_gets cable.client 20
expect "the other way" "$line" down
peer_sends cable.client two
peer_gets cable.server 0.1 && fail "came through a cut of one way: $line"
peer_ends cable.client
proxy_says cable mend up
peer_gets cable.server 20
expect "after the second mend" "$line" two
net_over cable.server 0 # the end came behind what was sent before it
expect "cable: connections reset" "$(stat_of cable resets)" 0
net_over cable.client 0

# ---- what is under way is bounded, and nothing of it is lost
pair full --buffer 65536
proxy_says full cut
head -c 33554432 /dev/urandom >data
cat data >&"${to[full.client]}" &
pouring=$!
until_true 20 eval '[ "$(stat_of full held)" -ge 60000 ]'
between "held" "$(stat_of full held)" 60000 65536
is_over $pouring && fail "a full cable took 32 MiB"
proxy_says full mend
expect "after a full cable" "$(head -c 33554432 <&"${from[full.server]}" | cksum)" "$(cksum <data)"
wait $pouring

# ---- stall: some round trip takes all of it
proxy_up stalls --to "127.0.0.1:${port[echo]}" --stall 100,300
peer_up patient connect "127.0.0.1:${port[stalls]}"
longest=0
begin=$(now_us)
while [ $(($(now_us) - begin)) -lt 1300000 ]; do
    round_trip patient
    [ "$us" -le $longest ] || longest=$us
done
between "the longest of a stall of 300 ms" $longest 240000 900000

# ---- resets
pair told
proxy_says told reset
net_over told.client 3
net_over told.server 3
has told.client.err 'reset by peer' && has told.server.err 'reset by peer' || fail "told: no reset: $(cat told.client.err told.server.err)"
expect "told: resets" "$(stat_of told resets)" 1
# One end's reset reaches the other: that of a client which is killed before it has read all.
pair unread
head -c 1000000 /dev/zero >&"${to[unread.server]}"
until_true 20 eval '[ "$(stat_of unread down)" -ge 200000 ]'
kill -KILL "${pids[unread.client]}"
wait "${pids[unread.client]}" 2>/dev/null
net_over unread.server 3
pair some --reset-bytes 10000
head -c 20000 /dev/zero >&"${to[some.client]}"
net_over some.client 3
expect "some: bytes until the reset" "$(stat_of some up)" 10000
pair short --reset 200
net_over short.server 3
peer_up gone listen 127.0.0.1:0
nobody=${port[gone]}
net_down gone
proxy_up refused --to "127.0.0.1:$nobody"
peer_up caller connect "127.0.0.1:${port[refused]}"
net_over caller 3

# ---- no more connections than it may have: the third waits for its turn
proxy_up few --to "127.0.0.1:${port[echo]}" --connections 2
for n in 1 2 3; do
    peer_up "caller$n" connect "127.0.0.1:${port[few]}"
    [ $n = 3 ] || round_trip "caller$n"
done
peer_sends caller3 hello
peer_gets caller3 0.1 && fail "three connections of two"
expect "few: open" "$(stat_of few open)" 2
net_down caller1
peer_gets caller3 20 || fail "the third never had its turn"

# ---- words that are none, and its end
echo "cut sideways" >&"${to[few]}"
read -rt 20 answer <&"${from[few]}"
expect "no command" "$answer" "no command: 'cut sideways'"
"$EMP_BUILD/net/proxy" --listen 127.0.0.1:0 --to nowhere 2>usage.err
expect "no address" "$?: $(cat usage.err)" "2: 'nowhere' is no address: expected HOST:PORT or [HOST]:PORT"
"$EMP_BUILD/net/proxy" --listen 127.0.0.1:0 --to 127.0.0.1:1 --delay soon 2>usage.err
expect "no number" "$?: $(cat usage.err)" "2: --delay: 'soon' is not a number from 0 to 3600000"
few=${pids[few]}
peer_ends few
until_true 20 is_over "$few"
# Its parent is killed: it ends although its stdin does not.
mkfifo held && exec 9<>held
bash -c '"$EMP_BUILD/net/proxy" --listen 127.0.0.1:0 --to 127.0.0.1:1 >orphan.port <held & echo $! >orphan; while [ ! -s orphan.port ]; do :; done; kill -KILL $$' &
wait $! 2>/dev/null
until_true 20 is_over "$(cat orphan)"
for name in "${!pids[@]}"; do
    net_down "$name"
done
finish
