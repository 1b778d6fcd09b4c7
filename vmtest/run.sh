#!/bin/sh
# run.sh PLAN [watch]: runs the tests of a plan, one process each, and marks where each begins and how it ends.
# A line of the plan: DIRECTORY BINARY [TEST]; without TEST, all tests of the binary.
# With `watch`, a test that leaves something behind fails, and tests may change settings of the machine for a while; that is
# for machines where nobody else works.

watch=${2-}
export OXBPF_TEST_MACHINE=$watch

# What outlives a process that does not clean up.
leftovers() {
    [ "$watch" ] || return
    cat /sys/kernel/tracing/kprobe_events /sys/kernel/tracing/uprobe_events
    find /sys/fs/bpf
}

number=0
before=$(leftovers)
while read -r directory binary test; do
    number=$((number + 1))
    printf '\n@@ %s begin\n' $number
    cd "$directory" || exit
    CARGO_MANIFEST_DIR=$directory timeout 120 "$binary" ${test:+--exact "$test"} --test-threads=1 --nocapture </dev/null 2>&1
    status=$?
    after=$(leftovers)
    if [ "$after" != "$before" ]; then
        printf '\nit left something behind; before and after:\n%s\n--\n%s\n' "$before" "$after"
        status=left
        before=$after
    fi
    printf '\n@@ %s end %s\n' $number $status
done <"$1"
