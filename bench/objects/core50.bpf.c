// (c) Fields of fifty of the kernel's structures.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

__u64 sum;

#define OFFSET(type, field) sum += bpf_core_field_offset(struct type, field)

SEC("raw_tp/sys_enter")
int offsets(void *ctx)
{
	OFFSET(task_struct, pid);
	OFFSET(mm_struct, pgd);
	OFFSET(file, f_flags);
	OFFSET(inode, i_ino);
	OFFSET(dentry, d_parent);
	OFFSET(super_block, s_dev);
	OFFSET(cred, uid);
	OFFSET(signal_struct, nr_threads);
	OFFSET(sighand_struct, siglock);
	OFFSET(nsproxy, uts_ns);
	OFFSET(pid, level);
	OFFSET(pid_namespace, level);
	OFFSET(vm_area_struct, vm_mm);
	OFFSET(sk_buff, len);
	OFFSET(sock, sk_protocol);
	OFFSET(socket, state);
	OFFSET(net_device, ifindex);
	OFFSET(net, ipv4);
	OFFSET(request, cmd_flags);
	OFFSET(bio, bi_iter);
	OFFSET(gendisk, major);
	OFFSET(block_device, bd_dev);
	OFFSET(request_queue, nr_requests);
	OFFSET(page, flags);
	OFFSET(address_space, host);
	OFFSET(path, dentry);
	OFFSET(vfsmount, mnt_root);
	OFFSET(files_struct, fdt);
	OFFSET(fdtable, max_fds);
	OFFSET(fs_struct, root);
	OFFSET(cgroup, kn);
	OFFSET(kernfs_node, name);
	OFFSET(css_set, refcount);
	OFFSET(task_group, css);
	OFFSET(rq, nr_running);
	OFFSET(cfs_rq, load);
	OFFSET(sched_entity, vruntime);
	OFFSET(tcp_sock, snd_cwnd);
	OFFSET(inet_sock, inet_id);
	OFFSET(inet_connection_sock, icsk_retransmits);
	OFFSET(udp_sock, pending);
	OFFSET(linux_binprm, filename);
	OFFSET(kiocb, ki_pos);
	OFFSET(iov_iter, count);
	OFFSET(timer_list, expires);
	OFFSET(hrtimer, base);
	OFFSET(work_struct, func);
	OFFSET(workqueue_struct, name);
	OFFSET(module, name);
	OFFSET(pt_regs, ip);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
