# SPDX-License-Identifier: BSD-3-Clause
#
# sweep.bash PROJECT: removes every container, network, volume and image of a test, by the project that all of them carry.
# sweep.bash --after PID PROJECT: waits until that process has ended, however it ended, kills what else it started, then sweeps.
set -u

if [ "$1" = --after ]; then
    tail --pid="$2" -f /dev/null
    shift 2
    grep -lzx "EMP_CLUSTER=$1" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        kill -KILL "$pid" 2>/dev/null
    done
fi
project=$1
of=label=com.docker.compose.project=$project

# The engine may still be making what it was asked for by a client that is dead, so twice nothing is what ends it.
nothing=0
for _ in {1..60}; do
    containers=$(docker ps -aq --filter "$of")
    networks=$(docker network ls -q --filter "$of")
    volumes=$(docker volume ls -q --filter "$of")
    # The base by its name: it may have others, of other people.
    images=$(docker images -aq --filter "label=org.eisenmp.build=$project" | sort -u
        docker images --format '{{.Repository}}:{{.Tag}}' "eisenmp-base:$project")
    if [ -z "$containers$networks$volumes$images" ]; then
        nothing=$((nothing + 1))
        [ $nothing -lt 2 ] || exit 0
        continue
    fi
    nothing=0
    # shellcheck disable=SC2086
    {
        [ -z "$containers" ] || docker unpause $containers
        [ -z "$containers" ] || docker rm -fv $containers
        [ -z "$networks" ] || docker network rm $networks
        [ -z "$volumes" ] || docker volume rm -f $volumes
        [ -z "$images" ] || docker rmi -f $images
    } >/dev/null 2>&1
done
echo "sweep: left: $containers $networks $volumes $images"
exit 1
