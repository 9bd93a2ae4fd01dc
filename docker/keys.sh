#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# keys.sh [options of docker-compose, such as -p PROJECT]: makes the keys of the cluster, and has the manager let the workers in.
# What is there stays, so it may run again. Needs the images; says the two public keys.
#
# The pairs are made in a container, by the user that will read them, in one volume for each side. So no file of this machine is
# mounted, whose owner the containers' user is not, and each service sees its own secret key and no other. All workers have one pair:
# copies of a service cannot be told apart.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

if docker compose version >/dev/null 2>&1; then
    command=(docker compose)
elif command -v docker-compose >/dev/null; then
    command=(docker-compose)
else
    echo "keys.sh: neither docker compose nor docker-compose is here" >&2
    exit 2
fi

# shellcheck disable=SC2016
exec "${command[@]}" -f "$here/compose.yaml" "$@" run --rm --no-deps -T keys '
    umask 077
    # pair <folder>: makes one unless it is there, says its public key
    pair ()
    {
        export EISENMP_KEYS=$1
        [ -e "$1/self.key" ] || said=$(eisenmp keys new 2>&1) || { echo "$said" >&2; exit 1; }
        eisenmp keys show
    }
    worker=$(pair /var/lib/eisenmp/worker-keys)
    manager=$(pair /var/lib/eisenmp/keys)
    echo "$manager" >/var/lib/eisenmp/worker-keys/manager.pub
    # Another key by this name is one whose volume was removed.
    eisenmp keys list | grep -qF "$worker" ||
        { eisenmp keys revoke worker 2>/dev/null || true; eisenmp keys allow "$worker" --name worker; }
    echo "manager $manager"
    echo "worker  $worker"' </dev/null
