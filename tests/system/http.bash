# SPDX-License-Identifier: BSD-3-Clause
#
# http.bash - words for the tests of the servers examples: what they say on stderr, and their pages by the shell's own TCP.

# served <stderr>: "colour number process pid url" of each server that said that it serves, in that order.
served ()
{
    sed -n 's|^\([a-z]*\) server \([0-9]*\), \(Process-[0-9]*\), pid \([0-9]*\): \(http://.*\)$|\1 \2 \3 \4 \5|p' "$1" 2>/dev/null
}
# successors <stderr> <process>: of these, those of that name and of another pid than the first one's.
successors () { served "$1" | awk -v name="$2" '$3 == name { first = first ? first : $4 } $3 == name && $4 != first'; }
# pid_of <served> <process>: of its first process.
pid_of () { awk -v name="$2" '$3 == name { print $4; exit }' "$1"; }
# urls <report>: those of its dictionary, sorted.
urls () { sed -n "s/^  ('_TID_[0-9]*', '\(http:[^']*\)').*/\1/p" "$1" | sort; }

# request <url> <method and path>: the answer, its header too; nothing when nobody listens.
request ()
{
    local place=${1#http://}
    place=${place%/}
    (exec 9<>"/dev/tcp/${place%:*}/${place#*:}" && printf '%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' \
        "$2" "$place" >&9 && tr -d '\r' <&9) 2>/dev/null
}
# is_page <colour> <number> <process> <pid> <url>: the page that is there is that of this server.
is_page ()
{
    local page port=${5##*:}
    page=$(request "$5" "GET /")
    [[ $page == "HTTP/1.1 200 OK"$'\n'*"Content-Type: text/html"* && $page == *"<title>$1 server $2</title>"* &&
        $page == *"style=\"background: #"* && $page == *"<p>$3, pid $4, port ${port%/}</p>"* ]]
}
# all_pages <name> <served> <count>: so many, and each answers with what it is.
all_pages ()
{
    local server
    expect "$1: servers" "$(cut -d ' ' -f 5 "$2" | sort -u | wc -l)" "$3"
    while read -r -a server; do
        is_page "${server[@]}" || fail "$1: no such page: ${server[*]}"
    done <"$2"
}
# no_pages <name> <served>: none of them is there any more; somebody else may have got the port by now.
no_pages ()
{
    local server
    while read -r -a server; do
        is_page "${server[@]}" && fail "$1: still there: ${server[*]}"
    done <"$2"
}
