#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# base.sh [--again] [IMAGE]: makes the image that ours stand on (eisenmp-base) from Debian's packages, where no registry can be
# reached: Debian 12, what is essential of it, and the libraries that our programs need. No apt, no documentation. An image that this
# very script has made of these libraries is left as it is; --again makes it anew, with the newest packages.
#
# Needs mmdebstrap (apt-get install mmdebstrap), root or a user who may unshare, and an engine. Packages come from the mirrors that apt
# of this machine knows, else from Debian's own.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

suite=bookworm
image=eisenmp-base
again=
for argument in "$@"; do
    case "$argument" in
    --again) again=yes ;;
    -*) echo "base.sh: found $argument, expected --again or the name of an image" >&2; exit 2 ;;
    *) image=$argument ;;
    esac
done

say () { echo "base.sh: $*" >&2; }
die () { say "$@"; exit 2; }

docker version >/dev/null 2>&1 || die "no engine answers (docker version)"
recipe=$(cat base.sh libraries | sha256sum | cut -c 1-16)
before=$(docker image inspect --format '{{.Id}} {{index .Config.Labels "org.eisenmp.recipe"}}' "$image" 2>/dev/null || true)
if [ -z "$again" ] && [ "${before#* }" = "$recipe" ]; then
    say "$image is there already, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
    exit 0
fi
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: apt-get install mmdebstrap"

# apt-get of a machine that is no Debian 12 names none of these; mmdebstrap then takes Debian's own mirrors.
mapfile -t mirrors < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' 2>/dev/null |
    awk -v suite="$suite" '$3 == "main" && ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") {
        print "deb", $1, $2, $3 }' | sort -u)
grep -q "$suite main" <<<"${mirrors[*]-}" || mirrors=()

# The archive goes into the engine as it is made. What was made of half of one has no name, and goes.
say "$image: $suite with $(tr '\n' ' ' <libraries)"
id=
# Without the hook usrmerge comes in for it, and with that all of Perl, 46 MB.
if ! id=$(mmdebstrap --quiet --variant=essential --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include="$(paste -sd , libraries)" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
    "$suite" - "${mirrors[@]}" 2>"$log" |
    docker import --change "LABEL org.eisenmp.recipe=$recipe" --change 'CMD ["/bin/sh"]' \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - ); then
    tail -n 20 "$log" >&2
    [ -z "$id" ] || docker rmi "$id" >/dev/null 2>&1 || true
    die "$image was not made"
fi
docker tag "$id" "$image"
# The one before has no name now; it stays when images stand on it.
[ -z "$before" ] || docker rmi "${before%% *}" >/dev/null 2>&1 || true
say "$image: $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }'), $SECONDS s"
