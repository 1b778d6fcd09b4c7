#!/bin/busybox sh
# The first process of a test machine: makes it look like one, runs /cmd, says how that ended, turns it off.
# Serial lines: 0 is the kernel's console, 1 what the command prints and reads, 2 its exit status.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=linux TMPDIR=/tmp
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tracefs trace /sys/kernel/tracing
mount -t debugfs debug /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs security /sys/kernel/security
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -s /config "/boot/config-$(uname -r)"
for module in /modules/*.ko; do insmod "$module"; done
ip link set lo up
stty -F /dev/ttyS1 -opost
sh /cmd </dev/ttyS1 >/dev/ttyS1 2>&1
echo "exit $?" >/dev/ttyS2
sync
poweroff -f
