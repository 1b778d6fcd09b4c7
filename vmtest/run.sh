#!/bin/sh
# Runs the tests of a plan, one process each, and marks where each begins and how it ends.
# A line of the plan: DIRECTORY BINARY [TEST]; without TEST, all tests of the binary.
number=0
while read -r directory binary test; do
    number=$((number + 1))
    printf '\n@@ %s begin\n' $number
    cd "$directory" || exit
    CARGO_MANIFEST_DIR=$directory timeout 120 "$binary" ${test:+--exact "$test"} --test-threads=1 --nocapture </dev/null 2>&1
    printf '\n@@ %s end %s\n' $number $?
done <"$1"
