# SPDX-License-Identifier: BSD-3-Clause
#
# proxy.bash - starts proxies and peers, which are in EMP_BUILD/net, and talks to them; after lib.bash. A name stands for one of them.
#
#   peer_up server echo 127.0.0.1:0          ${port[server]}
#   proxy_up far --to 127.0.0.1:${port[server]} --delay 100       ${port[far]}
#   proxy_says far cut                       $answer, when the cut is there
#   peer_up client connect 127.0.0.1:${port[far]}; peer_sends client text; peer_gets client 5     $line
#
# Words before the program are in the array `where`: where=(on h2), and where=() again.

declare -A port=() pids=() to=() from=()
where=()

# net_up <name> program arguments...: with pipes as stdin and stdout, stderr in <name>.err.
net_up ()
{
    local name=$1 in out fd
    shift
    rm -f "$name.in" "$name.out" && mkfifo "$name.in" "$name.out" || return
    # Opened for both here, so that no open waits. Nobody else has the writing end, or its end would not be seen.
    exec {in}<>"$name.in" {out}<>"$name.out"
    to[$name]=$in
    from[$name]=$out
    (
        for fd in "${to[@]}" "${from[@]}"; do
            exec {fd}>&-
        done
        [ ${#where[@]} = 0 ] && exec "$@"
        "${where[@]}" "$@"
    ) <"$name.in" >"$name.out" 2>"$name.err" &
    pids[$name]=$!
}
net_port () { read -rt 20 "port[$1]" <&"${from[$1]}" || { fail "$1: no port: $(cat "$1.err")"; return 1; }; }

proxy_up () { net_up "$1" "$EMP_BUILD/net/proxy" --listen "${listen:-127.0.0.1:0}" "${@:2}" && net_port "$1"; }
proxy_says ()
{
    answer=
    echo "${*:2}" >&"${to[$1]}"
    read -rt 20 answer <&"${from[$1]}"
    [[ $answer = ok\ * || $answer = stats\ * ]] || { fail "$1: to '${*:2}': '$answer'"; return 1; }
}
peer_up ()
{
    net_up "$1" "$EMP_BUILD/net/peer" "${@:2}" || return
    [ "$2" = connect ] || net_port "$1"
}
peer_sends () { echo "${*:2}" >&"${to[$1]}"; }
# peer_gets <name> <seconds>: a line that has come; false when there is none within that time.
peer_gets () { line=; read -rt "$2" line <&"${from[$1]}"; }
# peer_ends <name>: has no more to send.
peer_ends ()
{
    local in=${to[$1]}
    exec {in}>&-
    unset "to[$1]"
}
# net_over <name> <exit code>: it ends by itself, with that code.
net_over () { until_true 20 is_over "${pids[$1]}" && { wait "${pids[$1]}"; expect "$1: exit code" $? "$2"; }; }
# net_down <name>: the program itself, below all that `where` puts over it, and before its stdin ends, so that it does not end by itself
# while it is killed.
net_down ()
{
    local pid child=${pids[$1]} out=${from[$1]}
    while [ -n "$child" ]; do
        pid=$child
        child=$(children "$pid" | head -n 1)
    done
    kill "$pid" 2>/dev/null
    wait "${pids[$1]}" 2>/dev/null
    [ -z "${to[$1]:-}" ] || peer_ends "$1"
    exec {out}>&-
    unset "from[$1]" "pids[$1]" "port[$1]"
}
