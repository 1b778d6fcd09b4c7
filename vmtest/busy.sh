#!/bin/sh
# busy.sh DIRECTORY: what tools watch for, over and over: commands, files, file systems, signals, connections.

cd "$1" || exit
mkdir mounted
while :; do
    busybox true seen_by_oxbpf
    busybox dd if=/dev/zero of=file bs=16k count=8 conv=fsync 2>/dev/null
    busybox cat file >/dev/null
    busybox stat file >/dev/null
    busybox rm file
    busybox mount -t tmpfs none mounted && busybox umount mounted
    busybox sleep 9 &
    kill $!
    wait $! 2>/dev/null
    busybox timeout 2 busybox nc -l -s 127.0.0.1 -p 7654 </dev/null >/dev/null &
    busybox sleep 0.1
    echo text | busybox timeout 2 busybox nc 127.0.0.1 7654
    wait
done
