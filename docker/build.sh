#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# build.sh [--build DIR] [--base IMAGE] [--tag TAG]: makes the images eisenmp-worker:TAG and eisenmp-manager:TAG (latest).
#
# The programs are those of this machine: built in ../build/docker, or taken from a build folder that is named, and installed into
# stage/, from where the Dockerfile copies them. So no image ever holds a compiler, and no network is needed; what is built has to fit
# the base, Debian 12, which the last step of the Dockerfile tries.
#
# The base is --base, else eisenmp-base when it is there, else debian:12-slim when a registry gives it, else what base.sh makes.
set -euo pipefail
from=$PWD
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

say () { echo "build.sh: $*" >&2; }
die () { say "$@"; exit 2; }

build=
base=
tag=latest
while [ $# -gt 0 ]; do
    case "$1" in
    --build | --base | --tag)
        [ -n "${2-}" ] || die "$1: expected a value"
        declare "${1#--}=$2"
        shift 2
        ;;
    *) die "found $1, expected --build DIR, --base IMAGE or --tag TAG" ;;
    esac
done
docker version >/dev/null 2>&1 || die "no engine answers (docker version)"

[ -z "$build" ] || build=$(cd "$from" && readlink -e "$build") || die "--build: there is no such folder"
if [ -z "$build" ]; then
    build=../build/docker
    say "building in $(readlink -f ..)/build/docker"
    mkdir -p "$build"
    cmake -S .. -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEMP_TESTS=OFF >"$build/configure.log" ||
        die "cmake failed: $build/configure.log"
    cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN)" >"$build/build.log" || die "the build failed: $build/build.log"
fi

# What an image has no use for is not copied: headers, the library for manager programs, pages, the page of the examples.
trap 'rm -rf stage' EXIT
rm -rf stage
mkdir -p stage/worker/bin stage/manager/bin stage/manager/lib stage/manager/share/eisenmp
cmake --install "$build" --prefix "$PWD/stage/all" --strip >stage/install.log || die "cmake --install failed: $PWD/stage/install.log"
mv stage/all/bin/eisenmp stage/all/bin/eisenmp-worker stage/worker/bin/
mv stage/all/bin/eisenmp-broker stage/all/bin/eisenmp-examples stage/manager/bin/
mv stage/all/lib/eisenmp stage/manager/lib/
mv stage/all/share/eisenmp/examples stage/manager/share/eisenmp/
rm -rf stage/all
version=$(stage/worker/bin/eisenmp --version)

if [ -z "$base" ]; then
    if docker image inspect eisenmp-base >/dev/null 2>&1; then
        base=eisenmp-base
    elif timeout 120 docker pull --quiet debian:12-slim >/dev/null 2>&1; then
        base=debian:12-slim
    else
        say "no registry gives debian:12-slim"
        ./base.sh
        base=eisenmp-base
    fi
fi
for target in worker manager; do
    docker build --force-rm --target $target --tag "eisenmp-$target:$tag" --build-arg "BASE=$base" \
        --build-arg "VERSION=${version##* }" . >stage/docker.log 2>&1 ||
        { cat stage/docker.log >&2; die "the image of the $target was not made, on $base"; }
    say "eisenmp-$target:$tag on $base: $(docker image inspect --format '{{.Size}}' "eisenmp-$target:$tag" |
        awk '{ printf "%.1f MB", $1 / 1e6 }')"
done
