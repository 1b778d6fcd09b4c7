#!/bin/sh
# tools.sh OXBPF PLAN BUSY: runs each object of the plan for a moment while BUSY makes things happen, and marks where each
# begins and how it ends. What it prints begins with `1 `, what it says on standard error with `2 `.
# A line of the plan: OBJECT OPTIONS...

oxbpf=$1
directory=$(mktemp -d)
cd "$directory" || exit
mkdir busy
sh "$3" busy &
busy=$!
number=0
while read -r object options; do
    number=$((number + 1))
    printf '\n@@ %s begin\n' $number
    # shellcheck disable=SC2086 # several words
    timeout 120 "$oxbpf" run --duration 2 $options "$object" </dev/null >out 2>err
    status=$?
    head -c 30000 out | sed 's/^/1 /'
    printf '\n'
    sed 's/^/2 /' err
    printf '\n@@ %s end %s\n' $number $status
done <"$2"
kill $busy
wait $busy 2>/dev/null
cd /
rm -rf "$directory"
