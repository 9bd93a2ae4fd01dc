#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs into a folder, moves that folder, and builds a user's project against it, by pkg-config and by find_package.
set -eu
cmake --install "${EMP_BUILD:?}" --prefix "$PWD/first" >install.log
mv first installed
libdir=$(dirname "$(find "$PWD/installed" -name libeisenmp.so)")
cp -r "$EMP_SOURCE/tests/house/install" user
expected="$("$PWD/installed/bin/eisenmp" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+'): 10 results, sum 4950"
export PATH="$PWD/installed/bin:$PATH"

check ()
{
    local said
    said=$(LD_LIBRARY_PATH="$libdir" "./$1/manager" "./$1/module.so")
    [ "$said" = "$expected" ] || { echo "$1: expected '$expected', got '$said'"; exit 1; }
}

export PKG_CONFIG_PATH="$libdir/pkgconfig"
mkdir by_pkg_config
# shellcheck disable=SC2046
cc -Wall -Werror -o by_pkg_config/manager user/manager.c $(pkg-config --cflags --libs eisenmp)
# shellcheck disable=SC2046
cc -Wall -Werror -shared -fPIC -o by_pkg_config/module.so user/module.c $(pkg-config --cflags eisenmp)
check by_pkg_config

cmake -G Ninja -S user -B by_find_package -DCMAKE_PREFIX_PATH="$PWD/installed" >cmake.log || { cat cmake.log; exit 1; }
cmake --build by_find_package >build.log || { cat build.log; exit 1; }
check by_find_package

# Nothing of the place where it was built or first installed is in what one includes and links by.
if grep -rn "$PWD/first\|$EMP_BUILD" "$libdir/pkgconfig" "$libdir/cmake"; then
    echo "a path of the build is installed"
    exit 1
fi
# The examples are found where they were installed, and run.
installed/bin/eisenmp examples --list | grep -qx "prime	$PWD/installed/share/eisenmp/examples/prime/job.yaml" ||
    { echo "the examples are not found"; exit 1; }
installed/bin/eisenmp examples prime | grep -qx 1000000000039 || { echo "prime does not run"; exit 1; }
for file in bin/eisenmp bin/eisenmp-examples bin/eisenmp-worker bin/eisenmp-broker include/eisenmp.h share/doc/eisenmp/LICENSE; do
    [ -f "installed/$file" ] || { echo "not installed: $file"; exit 1; }
done
