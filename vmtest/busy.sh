#!/bin/sh
# busy.sh DIRECTORY: what tools watch for, over and over: commands, files, file systems, signals, connections.

cd "$1" || exit
exec >/dev/null 2>&1
mkdir mounted
while :; do
    busybox true seen_by_oxbpf
    busybox dd if=/dev/zero of=file bs=16k count=8 conv=fsync
    busybox cat file
    busybox stat file
    busybox rm file
    busybox mount -t tmpfs none mounted && busybox umount mounted
    busybox sleep 9 &
    kill $!
    wait $!
    busybox timeout 2 busybox nc -l -p 7654 </dev/null &
    busybox sleep 0.3
    echo text | busybox timeout 2 busybox nc 127.0.0.1 7654
    wait
done
