# SPDX-License-Identifier: BSD-3-Clause
#
# E7, B3, B23: the server example, a server a core, its job file and its manager program.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/system/http.bash"
[ -e "$EMP_MODULES/servers.so" ] || skip "built without libmicrohttpd"
example=$EMP_SOURCE/examples/server
cores=$(nproc)

expect "job.yaml: ports" "$(sed -n 's/^  - {program: "\(.*\)"}$/\1/p' "$example/job.yaml" | sh)" "$(seq 8331 $((8330 + cores)))"
sed 's/seq 8331 .*"}/seq $(nproc) | sed s,.*,0,"}/' "$example/job.yaml" >job.yaml
"$eisenmp" run job.yaml >job.out 2>job.err &
manager=$!
until_true 60 at_least "$cores" "served job.err"
served job.err >first
all_pages "E7, B3: job.yaml" first "$cores"

# Which process has how many is not certain; the one that has some is killed, and they come back.
name=$(cut -d ' ' -f 3 first | sed -n 1p)
kill -KILL "$(pid_of first "$name")"
until_true 60 at_least "$(grep -c " $name " first)" "successors job.err $name"
{ grep -v " $name " first; successors job.err "$name"; } >second
all_pages "after a death" second "$cores"
kill -INT $manager
wait $manager
code=$?
expect "E7, B23: job.yaml: exit code: $(tail -n 3 job.err)" $code 0
expect "job.yaml: URLs" "$(urls job.out | cksum)" "$(cut -d ' ' -f 5 first | sort | cksum)"
no_pages "after the end" second

mkfifo key
exec 8<>key
"$EMP_BIN/example-server" 0 <key >key.out 2>key.err &
manager=$!
until_true 60 at_least "$cores" "served key.err"
served key.err >third
all_pages "manager.c" third "$cores"
echo >&8
wait $manager
code=$?
expect "manager.c: exit code: $(tail -n 3 key.err)" $code 0
expect "manager.c: URLs" "$(urls key.out | cksum)" "$(cut -d ' ' -f 5 third | sort | cksum)"
no_pages "manager.c, at the end" third
for arguments in '"" x' '""' x; do
    eval "\"$EMP_BIN/example-server\" $arguments" </dev/null >usage.out 2>usage.err
    expect "usage, $arguments: exit code" "$? $(grep -c '^usage: ' usage.err)" "2 1"
done
finish
