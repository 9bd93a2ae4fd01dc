# Idle workers and an idle manager use no CPU: below 1 % of one core over two seconds (B16).
. "$EMP_SOURCE/tests/system/lib.bash"
job idle.yaml trouble 10 10 "PROCS_MAX: 2" "toolbox: {count: 100}"
sed -i "s|range: .*|generator: $EMP_TEST_MODULES/endless.so, generator_ref: stuck}|" idle.yaml
"$eisenmp" run idle.yaml >out 2>err &
pid=$!
until_true 20 at_least 2 "slots $pid"
# utime + stime in clock ticks of a process, its threads included
ticks () { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
all_ticks () { local sum=0 p; for p in $pid $(children $pid) $(slots $pid); do sum=$((sum + $(ticks "$p"))); done; echo $sum; }
quiet () { [ "$(all_ticks)" = "$last" ] || { last=$(all_ticks); return 1; }; }
last=-1
until_true 20 quiet
before=$(all_ticks)
read -rt 2 <><(:) # two seconds in which nothing happens are what is measured
used=$(($(all_ticks) - before))
echo "clock ticks used by manager, supervisor and two workers in 2 s: $used"
[ "$used" -le $(($(getconf CLK_TCK) * 2 / 100)) ] || fail "idle processes used $used clock ticks in 2 s"
kill -INT $pid
kill -INT $pid
wait $pid
expect "exit code" $? 1
finish
