//! Loading in a user namespace, with what a BPF file system delegates to it.
//!
//! Each test starts this program anew in a user namespace of its own, to run the test of the same name with "inside" in it. The
//! two share a socket: the inner one sends the file system that it begins, the outer one, which has the right to, says what is
//! delegated and finishes it.

#[macro_use]
mod common;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use oxbpf::object::CollectionSpec;
use oxbpf::{ErrorKind, Loadable, Loader, Token};
use rustix::io::FdFlags;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::thread::UnshareFlags;

/// The descriptor of the socket, to the test inside.
const SOCKET: &str = "OXBPF_TEST_SOCKET";
const TOKEN_PATH: &str = "LIBBPF_BPF_TOKEN_PATH";

/// Runs the test called `name` in a user namespace, and gives the file system that it begins these options.
#[allow(unsafe_code)]
fn in_user_namespace(name: &str, delegated: &[&str], variable: Option<&str>) -> Output {
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(SOCKET, theirs.as_raw_fd().to_string())
        .env_remove(TOKEN_PATH)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(path) = variable {
        command.env(TOKEN_PATH, path);
    }
    let socket = theirs.as_raw_fd();
    let enter = move || -> io::Result<()> {
        // SAFETY: the child has one thread, and takes only itself apart.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS) }?;
        // Root in there is this user out here, who has no more rights.
        std::fs::write("/proc/self/uid_map", "0 0 1")?;
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/gid_map", "0 0 1")?;
        // SAFETY: it is open until the child becomes another program, and there it is to be open.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        Ok(rustix::io::fcntl_setfd(socket, FdFlags::empty())?)
    };
    // SAFETY: it makes system calls only; no lock of another thread is needed, small allocations aside, which glibc has
    // ready after a fork.
    unsafe { command.pre_exec(enter) };
    let child = command.spawn().unwrap();
    drop(theirs);
    if let Some(context) = receive(ours.as_fd()) {
        let finish = || -> rustix::io::Result<()> {
            for option in delegated {
                rustix::mount::fsconfig_set_string(context.as_fd(), *option, "any")?;
            }
            rustix::mount::fsconfig_create(context.as_fd())
        };
        let answer = finish().map_or_else(|errno| errno.raw_os_error(), |()| 0);
        rustix::net::send(&ours, &answer.to_ne_bytes(), SendFlags::empty()).unwrap();
    }
    child.wait_with_output().unwrap()
}

/// Whether the test inside passed. `None`: it could not begin.
fn passes(name: &str, delegated: &[&str], variable: Option<&str>) -> Option<()> {
    let output = in_user_namespace(name, delegated, variable);
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("NO DELEGATION") {
        return None;
    }
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(())
}

fn receive(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut parts, &mut control, RecvFlags::empty()).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

/// Mounts a BPF file system at `path`, seen by this process only, that the one outside has given its options. Whether that
/// worked: kernels before 6.9 do not delegate.
#[allow(unsafe_code)]
fn mount_delegated(path: &str) -> bool {
    let socket = std::env::var(SOCKET).unwrap().parse().unwrap();
    // SAFETY: it was passed on for this, and nothing else here knows of it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    let context = rustix::mount::fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sent = [context.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
    sendmsg(
        &socket,
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::empty(),
    )
    .unwrap();
    let mut answer = [0; 4];
    rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty()).unwrap();
    if i32::from_ne_bytes(answer) != 0 {
        println!("NO DELEGATION");
        return false;
    }
    let mount = rustix::mount::fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
    .unwrap();
    rustix::mount::move_mount(
        mount.as_fd(),
        "",
        rustix::fs::CWD,
        path,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
    .unwrap();
    true
}

fn spec() -> CollectionSpec {
    fixtures::globals::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap()
}

const ALL: &[&str] = &[
    "delegate_cmds",
    "delegate_maps",
    "delegate_progs",
    "delegate_attachs",
];
const DEFAULT: &str = "/sys/fs/bpf";
const NO_TOKENS: &str = "this kernel has no BPF tokens";

#[test]
fn what_the_default_mount_delegates_is_used() {
    let passed = passes("inside_the_default_mount", ALL, None);
    require!(passed.is_some(), "{NO_TOKENS}");
}

#[test]
#[ignore = "runs in a user namespace that another test makes"]
fn inside_the_default_mount() {
    let denied = Loader::new().load(spec()).unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied, "{denied}");
    assert!(denied.remedy().unwrap().contains("BPF token"), "{denied}");
    if !mount_delegated(DEFAULT) {
        return;
    }
    // Types, maps and programs, all with the token.
    let collection = Loader::new().load(spec()).unwrap();
    assert_eq!(collection.programs().len(), 1);
    let loaded = Loader::new().keep_going(spec()).unwrap();
    assert!(loaded.is_complete(), "{:?}", loaded.programs);
    // Nobody wants one.
    let error = Loader::new().token_path("").load(spec()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn another_mount_is_used_if_named() {
    let path = std::env::temp_dir().join(format!("oxbpf-token-{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    let passed = passes("inside_another_mount", ALL, path.to_str());
    std::fs::remove_dir(&path).unwrap();
    require!(passed.is_some(), "{NO_TOKENS}");
}

#[test]
#[ignore = "runs in a user namespace that another test makes"]
fn inside_another_mount() {
    let path = std::env::var(TOKEN_PATH).unwrap();
    let named = Loader::new().load(spec()).unwrap_err();
    // Somebody asked for a token, so there has to be one.
    assert!(named.to_string().contains("making a token"), "{named}");
    if !mount_delegated(&path) {
        return;
    }
    // The environment's, and the caller's.
    Loader::new().load(spec()).unwrap();
    Loader::new().token_path(&path).load(spec()).unwrap();
    let token = Token::create(&path).unwrap();
    Loader::new().token(&token).load(spec()).unwrap();
    let error = Loader::new()
        .token_path("/no/such/mount")
        .load(spec())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn what_is_not_delegated_is_denied() {
    let some = &["delegate_cmds", "delegate_maps"];
    let passed = passes("inside_with_maps_alone", some, None);
    require!(passed.is_some(), "{NO_TOKENS}");
}

#[test]
#[ignore = "runs in a user namespace that another test makes"]
fn inside_with_maps_alone() {
    if !mount_delegated(DEFAULT) {
        return;
    }
    let error = Loader::new().load(spec()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let text = error.to_string();
    assert!(text.contains("loading program `count`"), "{text}");
    assert!(text.contains("delegates"), "{text}");
}

/// In the initial user namespace, and at places that are no BPF file system.
#[test]
fn there_is_no_token_out_here() {
    for path in ["/", "/no/such/mount"] {
        let error = Token::create(path).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
    let (kind, path) = (ErrorKind::NotFound, Path::new("/no/such/mount"));
    assert_eq!(Token::create(path).unwrap_err().kind(), kind);
    // Without being asked, nobody misses it.
    Loader::new().load(spec()).unwrap();
}
