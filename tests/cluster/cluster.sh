# SPDX-License-Identifier: BSD-3-Clause
#
# The images, one container, and a cluster of containers that loses workers; README.md. All that it makes in the engine carries the
# name $project, and is gone afterwards.
. "$EMP_SOURCE/tests/system/lib.bash"
here=$EMP_SOURCE/tests/cluster

[ "$(id -u)" = 0 ] || skip "needs root, or who may use the container engine"
timeout 20 docker version >/dev/null 2>&1 || skip "no container engine answers (docker version)"
if docker compose version >/dev/null 2>&1; then
    compose_program=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose_program=(docker-compose)
else
    skip "neither docker compose nor docker-compose is here"
fi

project=eisenmp-test-$$-$RANDOM
export EMP_CLUSTER=$project EISENMP_TAG=$project

# engine: what it has, one a line; what stands there by itself is the same before and after.
engine ()
{
    docker ps -a --format 'container {{.Names}}' --no-trunc
    docker network ls --format 'network {{.Name}}'
    docker volume ls --format 'volume {{.Name}}'
    docker images -a --format 'image {{.ID}} {{.Repository}}:{{.Tag}}'
}
engine | sort >engine.before
# Who kills this script, with its whole tree, does not get this one: it is no child, and has not the mark of the test.
(env -u EMP_TEST_MARK -u EMP_CLUSTER setsid bash "$here/sweep.bash" --after $$ "$project" </dev/null >/dev/null 2>&1 &)
trap 'bash "$here/sweep.bash" "$project"' EXIT
trap 'exit 1' INT TERM HUP

# dictionary <report>: number and results of each ticket, in order of number.
dictionary () { sed -n "s/^ *('_TID_\([0-9]*\)', \(.*\))[],}]*$/\1 \2/p" "$1" | sort -n; }
# same_dictionary <what> <report> <reference> <tickets>
same_dictionary ()
{
    expect "$1: tickets of the reference" "$(dictionary "$3" | wc -l)" "$4"
    [ "$(dictionary "$2")" = "$(dictionary "$3")" ] && return
    fail "$1: the dictionary is not that of the local run: $(diff <(dictionary "$2") <(dictionary "$3") | head -n 3)"
}

. "$here/images.bash"
. "$here/one.bash"
. "$here/many.bash"

bash "$here/sweep.bash" "$project" || fail "not all of it went"
engine | sort >engine.after
expect "what the engine has afterwards" "$(diff engine.before engine.after)" ""
finish
