#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# fresh-debian.sh [commands...]: makes a new Debian root with git and ca-certificates and nothing else, clones the last
# commit of this repository into it and runs there `./dev run` and `./dev test`, or the commands that are given. Needs
# root and debootstrap; takes what it installs from the mirror that this machine's apt uses. All of it is gone afterwards.
set -euo pipefail

suite=bookworm
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
[ $# -gt 0 ] || set -- "./dev run" "./dev test"
[ "$(id -u)" = 0 ] || { echo "fresh-debian: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "fresh-debian: needs debootstrap" >&2; exit 2; }

mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
    awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || { echo "fresh-debian: apt of this machine knows no mirror of $suite" >&2; exit 2; }

root=$(mktemp -d /var/tmp/fresh-debian.XXXXXX)
inside=
# What runs in there ends first. Mounts are made in a namespace of their own and end with it, so nothing of this machine
# is below $root here.
clean_up ()
{
    [ -z "$inside" ] || { kill -KILL "$inside" && wait "$inside"; } 2>/dev/null || true
    rm -rf --one-file-system "$root" "$root.log"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

step () { echo "fresh-debian: $* (${SECONDS} s)"; }

step "debootstrap $suite"
debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log"; exit 1; }
git -C "$here" bundle create -q "$root/eisenmp.bundle" HEAD

verdict=0
# A process namespace of its own too: whatever a command leaves running ends with it.
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --kill-child bash -c '
    root=$1
    shift
    mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
    inside () { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TERM=dumb \
                    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} bash -c "$1"; }
    inside "git -c advice.detachedHead=false clone -q /eisenmp.bundle /root/eisenmp" || exit 1
    for command in "$@"; do
        echo "fresh-debian: $command"
        start=$SECONDS
        inside "cd /root/eisenmp && $command"
        code=$?
        echo "fresh-debian: $command: exit $code after $((SECONDS - start)) s"
        [ $code = 0 ] || exit 1
    done
' fresh-debian "$root" "$@" </dev/null &
inside=$!
wait "$inside" || verdict=1
inside=
step "$([ $verdict = 0 ] && echo passed || echo FAILED)"
exit $verdict
