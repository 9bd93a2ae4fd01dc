# SPDX-License-Identifier: BSD-3-Clause
#
# sweep.bash PROJECT: removes every container, network, volume and image of a test, by the project that all of them carry.
# sweep.bash --after PID PROJECT: waits until that process has ended, however it ended, kills what else it started, then sweeps.
set -u

killed=
if [ "$1" = --after ]; then
    killed=yes
    tail --pid="$2" -f /dev/null
    shift 2
    grep -lzx "EMP_CLUSTER=$1" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        kill -KILL "$pid" 2>/dev/null
    done
fi
project=$1
of=label=com.docker.compose.project=$project

# The engine goes on for a while with what a client asked for that is dead now, so nothing has to be there for 3 s.
seen=0
for _ in {1..200}; do
    containers=$(docker ps -aq --filter "$of"; docker ps -aq --filter "label=org.eisenmp.test=$project")
    networks=$(docker network ls -q --filter "$of")
    volumes=$(docker volume ls -q --filter "$of")
    images=$(docker images -aq --filter "label=org.eisenmp.test=$project" | sort -u
        docker images --format '{{.Repository}}:{{.Tag}}' "eisenmp-base:$project")
    if [ -z "$containers$networks$volumes$images" ]; then
        seen=$((seen + 1))
        [ -n "$killed" ] && [ $seen -lt 10 ] || exit 0
        read -rt 0.3 <><(:)
        continue
    fi
    seen=0
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
