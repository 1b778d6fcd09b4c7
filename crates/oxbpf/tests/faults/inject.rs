//! System calls of a thread that fail on demand: seccomp asks us about each, and we answer in the kernel's stead.
//!
//! Only calls by which the library gets at the kernel are asked about, so that the rest of the process (memory,
//! locks, the end of threads) works as ever. Threads that the thread starts are asked about, too.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::mpsc;
use std::thread;

/// What is asked about, with its name.
const WATCHED: &[(i64, &str)] = &[
    (libc::SYS_bpf, "bpf"),
    (libc::SYS_perf_event_open, "perf_event_open"),
    (libc::SYS_openat, "openat"),
    (libc::SYS_read, "read"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_write, "write"),
    (libc::SYS_getdents64, "getdents64"),
    (libc::SYS_socket, "socket"),
    (libc::SYS_mmap, "mmap"),
    (libc::SYS_ioctl, "ioctl"),
    (libc::SYS_fcntl, "fcntl"),
    (libc::SYS_statfs, "statfs"),
    (libc::SYS_fstatfs, "fstatfs"),
    (libc::SYS_statx, "statx"),
    (libc::SYS_epoll_create1, "epoll_create1"),
    (libc::SYS_epoll_ctl, "epoll_ctl"),
    (libc::SYS_epoll_pwait, "epoll_pwait"),
    (libc::SYS_eventfd2, "eventfd2"),
    (libc::SYS_clone3, "clone3"),
    (libc::SYS_prlimit64, "prlimit64"),
    (libc::SYS_fsopen, "fsopen"),
    (libc::SYS_fsconfig, "fsconfig"),
    (libc::SYS_fsmount, "fsmount"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_memfd_create, "memfd_create"),
    (libc::SYS_ftruncate, "ftruncate"),
];

/// A system call that was asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its first argument: of bpf(2) the command.
    pub(crate) first: u64,
}

/// What is answered.
#[allow(dead_code)] // Each test takes what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    /// What the kernel answers.
    Kernel,
    /// An error.
    Errno(i32),
    /// A number, with nothing done.
    Value(i64),
}

/// Does some work on a thread of its own. `answer` is asked with the number of each call. Gives all calls there were, and
/// what became of the work; `None` where the kernel has no such thing.
pub(crate) fn with_answers<T: Send>(
    answer: impl Fn(usize, Call) -> Answer,
    work: impl FnOnce() -> T + Send,
) -> Option<(Vec<Call>, thread::Result<T>)> {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let worker = scope.spawn(move || {
            // From here on each call waits for an answer.
            sender.send(listen()).unwrap();
            drop(sender);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        });
        let listener = receiver.recv().ok()??;
        let mut calls = Vec::new();
        while let Some((id, call)) = next(&listener) {
            let said = answer(calls.len(), call);
            calls.push(call);
            respond(&listener, id, said);
        }
        Some((calls, worker.join().unwrap()))
    })
}

/// Has this thread ask about its calls.
fn listen() -> Option<OwnedFd> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let insn = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    // Offsets in `struct seccomp_data`: the number; the lower half of the fifth argument.
    let fifth = if cfg!(target_endian = "big") { 52 } else { 48 };
    let ask = insn(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0);
    let allow = insn(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0);
    let mut program = vec![insn(LOAD, 0, 0, 0)];
    for (number, _) in WATCHED {
        if *number == libc::SYS_mmap {
            // Memory that is no file's is the allocator's.
            program.extend([
                insn(IF_EQUAL, *number as u32, 0, 4),
                insn(LOAD, fifth, 0, 0),
                insn(IF_EQUAL, u32::MAX, 0, 1),
                allow,
                ask,
            ]);
        } else {
            program.extend([insn(IF_EQUAL, *number as u32, 0, 1), ask]);
        }
    }
    program.push(allow);
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: sets a flag of this thread.
    let ret = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(ret, 0);
    // SAFETY: the program is live, with its length beside it.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &filter,
        )
    };
    // SAFETY: the descriptor is new and nobody else's.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The next question, until there is nobody left to ask.
fn next(listener: &OwnedFd) -> Option<(u64, Call)> {
    loop {
        let mut poll = libc::pollfd {
            fd: listener.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one live structure.
        let ready = unsafe { libc::poll(&mut poll, 1, -1) };
        if ready == 1 && poll.revents & libc::POLLIN == 0 {
            return None;
        }
        // SAFETY: plain numbers, for which 0 is right.
        let mut question: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the structure that this request fills in.
        let ret = unsafe {
            libc::ioctl(
                listener.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_RECV,
                &mut question,
            )
        };
        if ret < 0 {
            continue; // The thread was interrupted, and asks again.
        }
        let number = i64::from(question.data.nr);
        let name = WATCHED.iter().find(|(watched, _)| *watched == number);
        let call = Call {
            name: name.map_or("?", |(_, name)| name),
            first: question.data.args[0],
        };
        return Some((question.id, call));
    }
}

fn respond(listener: &OwnedFd, id: u64, answer: Answer) {
    let mut response = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: 0,
        flags: 0,
    };
    match answer {
        Answer::Kernel => response.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        Answer::Errno(errno) => response.error = -errno,
        Answer::Value(value) => response.val = value,
    }
    // SAFETY: the structure that this request reads. The thread may be gone by now, which is all right.
    unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SEND,
            &mut response,
        )
    };
}
