# SPDX-License-Identifier: BSD-3-Clause
#
# Images are made, are small, hold what they shall and no more.

# build.sh keeps its install tree beside itself, so what it works in is a copy.
cp -r "$EMP_SOURCE/docker" docker
base=eisenmp-base apt= had=yes
if ! docker image inspect $base >/dev/null 2>&1; then
    had=$(docker images -q debian:12-slim)
    if timeout 120 docker pull --quiet debian:12-slim >/dev/null 2>&1; then
        base=debian:12-slim apt=yes
    else
        command -v mmdebstrap >/dev/null || skip "no image eisenmp-base, no registry, and no mmdebstrap to make one"
        base=eisenmp-base:$project
        docker/base.sh "$base" >base.log 2>&1 || { fail "base.sh: exit code $?"; cat base.log; finish; }
        docker/base.sh "$base" 2>&1 | grep -q 'is there already' || fail "base.sh does not see its own image"
    fi
fi
# What is made of it, also half of it, inherits its label.
echo "FROM $base" | docker build --quiet --label "org.eisenmp.test=$project" --tag "eisenmp-base:$project" - >/dev/null 2>label.log ||
    { fail "no label for $base: exit code $?"; cat label.log; finish; }
[ -n "$had" ] || [ -z "$apt" ] || docker rmi debian:12-slim >/dev/null # the name; the rest goes with the one above
base=eisenmp-base:$project
docker/build.sh --build "$EMP_BUILD" --base "$base" --tag "$project" >build.log 2>&1 ||
    { fail "build.sh: exit code $?"; cat build.log; finish; }
grep ' MB$' base.log build.log 2>/dev/null

# in_image <worker|manager> <commands of sh>: as the image's user, or as $user
in_image ()
{
    timeout 60 docker run --rm --label "com.docker.compose.project=$project" --network none --entrypoint sh \
        ${user:+--user "$user"} "eisenmp-$1:$project" -c "$2"
}
for role in worker manager; do
    expect "$role: version" "$(in_image $role 'eisenmp --version')" "$("$eisenmp" --version)"
    expect "$role: user" "$(in_image $role 'id -u; id -un')" $'10001\neisenmp'
    expect "$role: of a build" "$(user=0 in_image $role '
        for program in cc gcc c99 ld as make cmake ninja; do command -v $program; done
        find / -xdev -path /proc -prune -o \( -name "*.h" -o -name "*.a" -o -name "*.pc" -o -name "*.cmake" \) -not -path "/usr/local/share/eisenmp/examples/*" -print
        echo looked')" looked
    expect "$role: may write to its programs" "$(in_image $role 'for f in /usr/local /usr/local/bin/*; do
        [ ! -w $f ] || echo $f; done; echo looked')" looked
    size=$(docker image inspect --format '{{.Size}}' "eisenmp-$role:$project")
    own=$((size - $(docker image inspect --format '{{.Size}}' "$base")))
    [ $own -lt 20000000 ] || [ -n "$apt" ] || fail "$role: $own bytes on top of the base"
done
expect "worker: modules" "$(in_image worker 'ls /usr/local/lib; ls -d /usr/local/share/eisenmp/*')" /usr/local/share/eisenmp/libraries
in_image manager 'ls /usr/local/lib/eisenmp' | grep -qx prime.so || fail "manager: has no modules of the examples"
expect "stop signal" "$(docker image inspect --format '{{.Config.StopSignal}}' "eisenmp-manager:$project")" SIGTERM
