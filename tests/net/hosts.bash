# SPDX-License-Identifier: BSD-3-Clause
#
# hosts.bash - hosts for a test, after lib.bash: each has a network, a hostname, processes, memory and a folder of its own, and a
# cable to a switch, which is in a network of its own too. All of it lasts as long as one process each, which the kernel kills when
# the test dies, so nothing is left of it however the test ends, and there are no names that a later run could find.
#
#   hosts_up 3                  h1 h2 h3 (${hosts[@]}); skips the test where that cannot be done
#   on h2 command...            there, in this folder, with a HOME, TMPDIR and XDG_RUNTIME_DIR of that host
#   host_ip h1, host_ip6 h1     its addresses; names work as well
#   host_cut h2 [out|in], host_mend h2     frames from it, to it or both are lost, and nobody is told
#   host_rate h2 10mbit         each way, as tc writes it; "none" again
#   host_off h2                 no power: cut, then all its processes killed
#   host_pid, host_signal       of a command in the background
#   hosts_down                  also when the test ends

hosts=()
hosts_folder=
declare -A host_keeper=() host_init=() host_net=() # pids of each, and the name of its network; of the switch too
hosts_own=(--net --uts --ipc --pid --mount --mount-proc --fork --kill-child)

# The first process of a host. Folders of other hosts are out of sight, and so is shared memory: what works here only because it
# is one machine shall fail.
# shellcheck disable=SC2016
hosts_first='
    name=$1 folder=$2
    echo "$name" >/proc/sys/kernel/hostname &&
        { [ ! -e /etc/hosts ] || mount --bind "$folder/names" /etc/hosts; } &&
        { [ ! -d /dev/shm ] || mount -t tmpfs -o size=256m none /dev/shm; } &&
        mount --bind "$folder/$name" /mnt &&
        mount -t tmpfs -o size=1m none "$folder" && mkdir "$folder/$name" &&
        mount --move /mnt "$folder/$name" && : >"$folder/$name/is_up" || exit
    # Waits for nothing, and reaps who has lost his parent.
    while :; do read -r _; done <><(:)
'

# hosts_can: says what is missing.
hosts_can ()
{
    local program
    [ "$(id -u)" = 0 ] || { echo "test hosts need root"; return 1; }
    for program in ip tc nft; do
        command -v $program >/dev/null || { echo "test hosts need the program $program"; return 1; }
    done
    unshare "${hosts_own[@]}" true 2>&1 || { echo "test hosts need namespaces"; return 1; }
    unshare --net bash -ec '
        ip link add switch type bridge
        ip link add name one type veth peer name two
        ip -6 addr add fd83::1/64 dev one nodad
        tc qdisc add dev one root tbf rate 1mbit burst 16kb latency 100ms
        nft "add table netdev t; add chain netdev t c { type filter hook ingress device one priority 0; policy drop; }"
        nft "add chain netdev t d { type filter hook egress device one priority 0; policy drop; }"
    ' 2>&1 || { echo "test hosts need a kernel with bridge, veth, IPv6, tbf and nftables' netdev hooks"; return 1; }
}

# inside <host> command...: in its network, and nothing else of it.
inside ()
{
    host_is_up "$1" || { fail "no host $1"; return 125; }
    nsenter --target "${host_init[$1]}" --net "${@:2}"
}

# host_boot <host>: its first process is there.
host_boot ()
{
    local name=$1 keeper me=$BASHPID
    mkdir -p "$hosts_folder/$name"/{home,tmp,run}
    chmod 0700 "$hosts_folder/$name"/*/
    rm -f "$hosts_folder/$name/is_up"
    # shellcheck disable=SC2016
    setpriv --pdeathsig KILL bash -c '[ $PPID = $1 ] && exec "${@:2}"' host $me \
        unshare "${hosts_own[@]}" bash -c "$hosts_first" "host-$name" "$name" "$hosts_folder" \
        </dev/null >"$hosts_folder/$name.log" 2>&1 &
    keeper=$!
    until_true 20 host_is_booted "$name" $keeper || return
    [ -e "$hosts_folder/$name/is_up" ] || { fail "no host $name: $(cat "$hosts_folder/$name.log")"; return 1; }
    host_keeper[$name]=$keeper
    host_init[$name]=$(children $keeper)
    host_net[$name]=$(readlink "/proc/${host_init[$name]}/ns/net")
}
host_is_booted () { [ -e "$hosts_folder/$1/is_up" ] || is_over "$2"; }

# hosts_up <n>: 1 to 99.
hosts_up ()
{
    local n name missing
    [ ${#host_init[@]} = 0 ] || { fail "hosts are up already"; return 1; }
    missing=$(hosts_can) || skip "$(tac <<<"$missing" | tr '\n' ' ')"
    hosts_folder=$EMP_SCRATCH/hosts
    mkdir -p "$hosts_folder"
    trap hosts_down EXIT
    echo "127.0.0.1 localhost" >"$hosts_folder/names"
    for ((n = 1; n <= $1; n++)); do
        printf '%s\n' "10.83.0.$n h$n" "fd83::$n h$n" >>"$hosts_folder/names"
    done
    host_boot switch || return
    inside switch ip link add switch type bridge mcast_snooping 0 && inside switch ip link set switch up || return
    for ((n = 1; n <= $1; n++)); do
        name=h$n
        host_boot $name && hosts_cable $name $n || { fail "host $name is not up"; return 1; }
        hosts+=("$name")
    done
    until_true 20 hosts_are_cabled "$1"
}

# hosts_cable <host> <n>
hosts_cable ()
{
    inside switch ip -batch - <<END && inside "$1" ip -batch - <<END2
link add name $1 type veth peer name eth0 netns ${host_init[$1]}
link set $1 master switch
link set $1 up
END
link set lo up
addr add 10.83.0.$2/24 dev eth0
addr add fd83::$2/64 dev eth0 nodad
link set eth0 up
END2
}
hosts_are_cabled () { [ "$(inside switch bridge link show | grep -c 'state forwarding')" = "$1" ]; }

# host_is_up <host>: it is, and is the one that was made (a number of a process may have become somebody else's).
host_is_up ()
{
    [ -n "${host_init[${1:-none}]:-}" ] && [ "$(readlink "/proc/${host_init[$1]}/ns/net")" = "${host_net[$1]}" ]
}
host_ip () { echo "10.83.0.${1#h}"; }
host_ip6 () { echo "fd83::${1#h}"; }
# host_folder <host>: with home, tmp and run; the test sees all of them, a host only its own.
host_folder () { echo "$hosts_folder/$1"; }

# on <host> command...: ends with the command's exit code. Killed, whoever is in between, when the test is. In the background
# $! is not the command: host_pid, host_signal.
on ()
{
    local host=$1 name folder=$hosts_folder/$1 more=()
    shift
    host_is_up "$host" || { fail "no host $host"; return 125; }
    for name in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do # two hosts have the same numbers of processes
        [ -z "${!name:-}" ] || more+=("$name=${!name/reports\/report/reports\/$host}")
    done
    setpriv --pdeathsig KILL nsenter --target "${host_init[$host]}" --net --uts --ipc --pid --mount \
        setpriv --pdeathsig KILL env --chdir="$PWD" HOME="$folder/home" TMPDIR="$folder/tmp" XDG_RUNTIME_DIR="$folder/run" \
        "${more[@]}" "$@"
}
# host_pid <$! of an `on`>: of the command itself, as this machine counts; waits until it is there.
host_pid ()
{
    local here pid
    here=$(readlink /proc/self/ns/pid)
    until_true 20 host_descend "$1" "$here" >&2 && echo "$pid"
}
host_descend ()
{
    local there
    pid=$1
    while there=$(readlink "/proc/$pid/ns/pid") && [ "$there" = "$2" ]; do
        pid=$(children "$pid" | head -n 1)
        [ -n "$pid" ] || break
    done
    [ -n "$there" ] && [ -n "$pid" ] || { pid= && is_over "$1"; }
}
# host_signal <signal> <$! of an `on`>: to the command itself. (nsenter stops when its child does, and continues it.)
host_signal ()
{
    local pid
    pid=$(host_pid "$2")
    [ -n "$pid" ] && kill "-$1" "$pid" || return
    [ "$1" != CONT ] || kill -CONT "$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")"
}

# host_cut <host> [out|in]: at the switch, so the host's link stays up, and its addresses, routes and connections with it.
host_cut ()
{
    case ${2:-both} in
    out) hosts_drop "$1" out ingress ;;
    in) hosts_drop "$1" in egress ;;
    both) hosts_drop "$1" out ingress && hosts_drop "$1" in egress ;;
    *) fail "no way to cut: $2"; return 1 ;;
    esac
}
hosts_drop ()
{
    inside switch nft "add table netdev $1_$2
        add chain netdev $1_$2 lost { type filter hook $3 device $1 priority 0; policy drop; }"
}
host_mend ()
{
    inside switch nft "add table netdev $1_out; delete table netdev $1_out; add table netdev $1_in; delete table netdev $1_in"
}
host_rate ()
{
    if [ "$2" = none ]; then
        inside switch tc qdisc del dev "$1" root && inside "$1" tc qdisc del dev eth0 root
    else
        inside switch tc qdisc replace dev "$1" root tbf rate "$2" burst 16kb latency 200ms &&
            inside "$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 16kb latency 200ms
    fi
}
host_off ()
{
    host_cut "$1"
    hosts_kill "$1"
}
# With its first process all others of a host are killed, and have ended when it has.
hosts_kill ()
{
    local init=${host_init[$1]}
    kill -KILL "${host_keeper[$1]}" 2>/dev/null
    wait "${host_keeper[$1]}" 2>/dev/null
    until_true 20 is_over "$init"
    unset "host_init[$1]" "host_keeper[$1]" "host_net[$1]"
}
hosts_down ()
{
    local name
    for name in "${!host_init[@]}"; do
        hosts_kill "$name"
    done
    hosts=()
}
