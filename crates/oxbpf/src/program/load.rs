//! Loading a program.

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use bitflags::bitflags;
use oxbpf_object::Endian;
use oxbpf_object::asm::{self, Insn};
use oxbpf_object::btf::{Btf, TypeId};
use oxbpf_object::kernel::{ProgramFlags, ProgramType};
use oxbpf_object::spec::LineInfo;
use rustix::io::Errno;

use super::explain::explain;
use super::log::SourceLine;
use super::{AttachInfo, Program, Signature};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{MAX_LOAD_RETRIES, MAX_VERIFIER_LOG};
use crate::memlock;
use crate::object_name::kernel_name;
use crate::sys::{self, LogBuffer, Logged, ProgramParts, uapi};

/// A program to load: everything that goes to the kernel with it.
///
/// ```no_run
/// use oxbpf::object::asm::{self, Reg};
/// use oxbpf::object::kernel::ProgramType;
/// use oxbpf::program::ProgramLoad;
///
/// # fn main() -> oxbpf::Result<()> {
/// let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
/// let program = ProgramLoad {
///     name: "nothing",
///     program_type: ProgramType::SOCKET_FILTER,
///     insns: &insns,
///     license: "GPL",
///     ..ProgramLoad::default()
/// }
/// .load()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProgramLoad<'a> {
    /// What it is called here; the kernel keeps the first 15 bytes of it, with an underscore for
    /// what it does not take in names.
    pub name: &'a str,
    /// Its type.
    pub program_type: ProgramType,
    /// Its instructions: relocated, with all descriptors filled in.
    pub insns: &'a [Insn],
    /// Its licence, on which the helpers that it may call depend.
    pub license: &'a str,
    /// Where it is meant to be attached. Of this the kernel is told the attach type.
    pub attach: AttachInfo,
    /// Flags.
    pub flags: ProgramFlags,
    /// The type, in the kernel's BTF or another, of what it will be attached to; void if that
    /// does not matter.
    pub attach_btf_id: TypeId,
    /// The BTF that `attach_btf_id` is in, if not the kernel's own: a module's. Linux 5.11.
    pub attach_btf: Option<BorrowedFd<'a>>,
    /// The program that it will be attached to, whose BTF then has `attach_btf_id`.
    pub attach_program: Option<BorrowedFd<'a>>,
    /// Its types, loaded.
    pub btf: Option<BorrowedFd<'a>>,
    /// Its types, to name lines of C in errors on kernels that do not name them (before 6.9).
    pub types: Option<&'a Btf>,
    /// The slots where functions begin, with their types in `btf`. Passed on only with `btf`.
    pub func_info: &'a [(usize, TypeId)],
    /// The lines of C; their texts are in `btf`. Passed on only with `btf`.
    pub line_info: &'a [LineInfo],
    /// `LINUX_VERSION_CODE`, which kernels before 5.0 want for kprobes.
    pub kernel_version: u32,
    /// Descriptors that instructions refer to by index: maps, BTF of modules. Those of a signed program are bound to it, whether
    /// instructions refer to them or not.
    pub fd_array: &'a [BorrowedFd<'a>],
    /// A BPF token, whose permissions count instead of the caller's. Linux 6.9.
    pub token: Option<BorrowedFd<'a>>,
    /// A signature over `insns`. Linux 6.18.
    pub signature: Option<Signature<'a>>,
}

bitflags! {
    /// How much the verifier says. Empty: nothing.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct LogLevel: u32 {
        /// Each instruction, on the path that was gone last.
        #[doc(alias = "BPF_LOG_LEVEL1")]
        const LEVEL1 = 1;
        /// Each instruction and the state of all registers after it, on all paths.
        #[doc(alias = "BPF_LOG_LEVEL2")]
        const LEVEL2 = 2;
        /// What the verification cost. Linux 5.2.
        #[doc(alias = "BPF_LOG_STATS")]
        const STATS = 4;
    }
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) result: Result<Program>,
    /// What the verifier wrote of a program that it accepted. A refusal has its log with it.
    pub(crate) log: String,
    /// How long the first system call took.
    pub(crate) time: Duration,
}

impl Measured {
    /// It did not come to a system call.
    pub(crate) fn failed(error: Error) -> Self {
        Self {
            result: Err(error),
            log: String::new(),
            time: Duration::ZERO,
        }
    }
}

/// The first size of the buffer for a log: enough for most.
const FIRST_LOG: usize = 1 << 20;

/// A log, as far as there was room for it.
#[derive(Debug, Default)]
struct Log {
    text: String,
    truncated: bool,
}

impl ProgramLoad<'_> {
    /// Loads it.
    ///
    /// The kernel is first asked without a log, which is faster; if it says no, it is asked again
    /// for the reason.
    ///
    /// Kernels before 5.11 charge programs to the limit on locked memory: if that is in the way,
    /// it is raised for the whole process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] if the verifier refuses it: [`Error::verifier`] has the whole log,
    /// [`ErrorKind::PermissionDenied`] without the capabilities that its type takes,
    /// [`ErrorKind::Unsupported`] if this kernel does not have its type, and what the kernel says
    /// otherwise.
    #[doc(alias = "BPF_PROG_LOAD")]
    pub fn load(&self) -> Result<Program> {
        let request = Request::new(self)?;
        let errno = match request.send(None).result {
            Ok(fd) => return Ok(self.loaded(fd)),
            Err(errno) => errno,
        };
        match request.send_logged(LogLevel::LEVEL1) {
            // What was in the way has gone.
            (Ok(fd), _) => Ok(self.loaded(fd)),
            (Err(_), log) => Err(self.refused(errno, log)),
        }
    }

    /// Loads it and returns the verifier's log too.
    ///
    /// # Errors
    ///
    /// As [`ProgramLoad::load`].
    pub fn load_with_log(&self, level: LogLevel) -> Result<(Program, String)> {
        match Request::new(self)?.send_logged(level) {
            (Ok(fd), log) => Ok((self.loaded(fd), log.text)),
            (Err(errno), log) => Err(self.refused(errno, log)),
        }
    }

    /// Loads it with the figures of its verification, and more in the log if `level` asks for it. For
    /// the reason of a refusal it is asked again.
    pub(crate) fn load_measured(&self, level: LogLevel) -> Measured {
        let request = match Request::new(self) {
            Ok(request) => request,
            Err(error) => return Measured::failed(error),
        };
        let start = Instant::now();
        let (mut answer, log) = request.send_logged(level | LogLevel::STATS);
        let time = start.elapsed();
        if log.truncated {
            // ENOSPC is about the log, and says nothing about the program.
            answer = request.send(None).result;
        }
        let says_why = level.intersects(LogLevel::LEVEL1 | LogLevel::LEVEL2);
        let (result, log) = match answer {
            Ok(fd) => (Ok(self.loaded(fd)), log.text),
            Err(errno) if says_why => (Err(self.refused(errno, log)), String::new()),
            Err(errno) => match request.send_logged(LogLevel::LEVEL1 | LogLevel::STATS) {
                // What was in the way has gone.
                (Ok(fd), log) => (Ok(self.loaded(fd)), log.text),
                (Err(_), log) => (Err(self.refused(errno, log)), String::new()),
            },
        };
        Measured { result, log, time }
    }

    fn loaded(&self, fd: OwnedFd) -> Program {
        Program::loaded(fd, self.name.into(), self.program_type, self.attach.clone())
    }

    #[cold]
    fn refused(&self, errno: Errno, log: Log) -> Error {
        let mut verdict = super::VerifierError::new(log.text, log.truncated);
        verdict.locate(|insn| self.source_line(insn));
        explain(self, errno, verdict)
    }

    /// The line of C that an instruction came from, if the object's BTF was given.
    fn source_line(&self, insn: usize) -> Option<SourceLine> {
        let btf = self.types?;
        let info = self.line_info.iter().rev().find(|info| info.insn <= insn)?;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(SourceLine {
            file: some(info.record.file(btf)),
            line: Some(info.record.line()).filter(|line| *line != 0),
            text: info.record.text(btf).trim().into(),
        })
    }
}

/// A request in the kernel's terms.
struct Request<'a> {
    attr: uapi::ProgLoad,
    signature: &'a [u8],
    insns: Vec<u8>,
    license: CString,
    func_info: Vec<u8>,
    line_info: Vec<u8>,
    fd_array: Vec<i32>,
}

const FUNC_INFO_SIZE: u32 = size_of::<uapi::FuncInfo>() as u32;
const LINE_INFO_SIZE: u32 = size_of::<uapi::LineInfo>() as u32;

impl<'a> Request<'a> {
    fn new(load: &ProgramLoad<'a>) -> Result<Self> {
        let license = CString::new(load.license).map_err(|_| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("loading program `{}`", load.name),
            )
            .with_reason("its licence contains a NUL byte")
        })?;
        let mut attr = uapi::ProgLoad {
            prog_type: load.program_type.0,
            kern_version: load.kernel_version,
            prog_flags: load.flags.bits(),
            prog_name: kernel_name(load.name),
            expected_attach_type: load.attach.attach_type.map_or(0, |t| t.0),
            attach_btf_id: load.attach_btf_id.0,
            attach_prog_fd: load.attach_program.or(load.attach_btf).map_or(0, sys::raw),
            ..Default::default()
        };
        if let Some(token) = load.token {
            attr.prog_flags |= ProgramFlags::TOKEN_FD.bits();
            attr.prog_token_fd = token.as_raw_fd();
        }
        if let Some(signature) = load.signature {
            attr.keyring_id = signature.keyring.0;
            // Linux 7 wants to know all maps of a signed program beforehand. The call puts in how many they are.
            attr.fd_array_cnt = u32::from(!load.fd_array.is_empty());
        }
        let mut this = Self {
            attr,
            signature: load.signature.map_or(&[], |signature| signature.bytes),
            insns: asm::encode(load.insns, Endian::NATIVE),
            license,
            func_info: Vec::new(),
            line_info: Vec::new(),
            fd_array: load.fd_array.iter().map(AsRawFd::as_raw_fd).collect(),
        };
        if let Some(btf) = load.btf {
            this.attr.prog_btf_fd = sys::raw(btf);
            this.attr.func_info_rec_size = FUNC_INFO_SIZE;
            this.attr.line_info_rec_size = LINE_INFO_SIZE;
            // Slots beyond 32 bits are as wrong as the last one: the kernel will say so.
            let slot = |slot: usize| u32::try_from(slot).unwrap_or(u32::MAX);
            this.func_info = words(load.func_info.iter().map(|(at, id)| [slot(*at), id.0]));
            this.line_info = words(load.line_info.iter().map(|LineInfo { insn, record }| {
                [
                    slot(*insn),
                    record.file_name_off,
                    record.line_off,
                    record.line_col,
                ]
            }));
        }
        Ok(this)
    }

    /// Asks once, but for one kernel: Linux 6.18 asks of maps that are bound beforehand whether they are for this program, before it
    /// has computed the program's hash. There they are bound as instructions name them.
    fn send(&self, mut log: Option<LogBuffer<'_>>) -> Logged {
        let bound = self.ask(self.attr, &mut log);
        if self.attr.fd_array_cnt == 0 || !matches!(bound.result, Err(Errno::ACCESS)) {
            return bound;
        }
        let attr = uapi::ProgLoad {
            fd_array_cnt: 0,
            ..self.attr
        };
        // Without a log: that of the first answer stays where this is no better.
        let unbound = self.ask(attr, &mut None);
        match (&unbound.result, &log) {
            (Err(_), _) => bound,
            (Ok(_), None) => unbound,
            (Ok(_), Some(_)) => self.ask(attr, &mut log),
        }
    }

    /// A verification that a signal interrupts is taken up again.
    fn ask(&self, attr: uapi::ProgLoad, log: &mut Option<LogBuffer<'_>>) -> Logged {
        let parts = ProgramParts {
            insns: &self.insns,
            license: &self.license,
            func_info: &self.func_info,
            line_info: &self.line_info,
            fd_array: &self.fd_array,
            signature: self.signature,
            ..Default::default()
        };
        let mut log_true_size = 0;
        let mut ask = || {
            let log = log.as_mut().map(|log| LogBuffer {
                bytes: &mut *log.bytes,
                level: log.level,
            });
            let answer = sys::prog_load(attr, &parts, log);
            log_true_size = answer.log_true_size;
            answer.result
        };
        let mut retries = 0;
        let result = loop {
            match memlock::with_memory(&mut ask) {
                Err(Errno::AGAIN) if retries < MAX_LOAD_RETRIES => retries += 1,
                result => break result,
            }
        };
        Logged {
            result,
            log_true_size,
        }
    }

    /// Asks with a log, and again with a larger buffer until the log fits.
    fn send_logged(&self, level: LogLevel) -> (sys::Result<OwnedFd>, Log) {
        self.send_logged_in(level, FIRST_LOG, MAX_VERIFIER_LOG)
    }

    fn send_logged_in(
        &self,
        level: LogLevel,
        first: usize,
        most: usize,
    ) -> (sys::Result<OwnedFd>, Log) {
        let mut size = first;
        loop {
            let mut bytes = vec![0; size];
            let answer = self.send(Some(LogBuffer {
                bytes: &mut bytes,
                level: level.bits(),
            }));
            let wanted = answer.log_true_size as usize;
            let truncated = matches!(answer.result, Err(Errno::NOSPC))
                && (wanted > size || (wanted == 0 && is_filled(&bytes)));
            size = match wanted {
                _ if !truncated => return (answer.result, Log::new(bytes, false)),
                // Kernels before 6.4 do not say how much they would have written.
                0 if size < most => most,
                0 => return (answer.result, self.with_reason(bytes)),
                // Those that say so keep the end of the log, which has the reason. Not even a
                // buffer of the largest size would have it all.
                _ if wanted > most => {
                    let mut log = Log::new(bytes, true);
                    // The first line is cut off somewhere.
                    let start = log.text.find('\n').map_or(0, |end| end + 1);
                    log.text.drain(..start);
                    return (answer.result, log);
                }
                _ => wanted,
            };
        }
    }

    /// A log that is too long, from a kernel that keeps its beginning, with the reason put at its
    /// end: that is asked for alone.
    fn with_reason(&self, bytes: Vec<u8>) -> Log {
        let mut reason = vec![0; FIRST_LOG];
        self.send(Some(LogBuffer {
            bytes: &mut reason,
            level: LogLevel::STATS.bits(),
        }));
        let mut log = Log::new(bytes, true);
        // The last line is cut off somewhere.
        log.text
            .truncate(log.text.rfind('\n').map_or(0, |end| end + 1));
        log.text += &Log::new(reason, false).text;
        log
    }
}

impl Log {
    fn new(mut bytes: Vec<u8>, truncated: bool) -> Self {
        let end = bytes
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(bytes.len());
        bytes.truncate(end);
        bytes.shrink_to_fit();
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        Self { text, truncated }
    }
}

/// Whether a log takes all of its buffer but the final NUL.
fn is_filled(buffer: &[u8]) -> bool {
    buffer.iter().rev().nth(1).is_some_and(|byte| *byte != 0)
}

/// Records of words, in the byte order of this machine.
fn words<const N: usize>(records: impl Iterator<Item = [u32; N]>) -> Vec<u8> {
    records.flatten().flat_map(u32::to_ne_bytes).collect()
}

#[cfg(test)]
mod tests {
    use oxbpf_object::asm::{AluOp, Reg};

    use super::super::VerifierError;
    use super::*;

    #[test]
    fn logs_that_are_too_long_keep_the_reason() {
        let mut ops = vec![asm::mov(Reg::R1, 0)];
        ops.extend((0..2000).map(|step| asm::alu(AluOp::Xor, Reg::R1, step)));
        ops.push(asm::exit());
        let insns = asm::program(ops);
        let load = ProgramLoad {
            program_type: ProgramType::SOCKET_FILTER,
            insns: &insns,
            license: "GPL",
            ..ProgramLoad::default()
        };
        let request = Request::new(&load).unwrap();
        let (result, whole) = request.send_logged(LogLevel::LEVEL1);
        assert_eq!(result.unwrap_err(), Errno::ACCESS);
        assert!(!whole.truncated);
        for (first, most) in [(2048, 8192), (8192, 8192)] {
            let (result, log) = request.send_logged_in(LogLevel::LEVEL1, first, most);
            assert_eq!(result.unwrap_err(), Errno::NOSPC);
            assert!(log.truncated);
            assert!(log.text.len() < whole.text.len());
            let verdict = VerifierError::new(log.text, log.truncated);
            assert_eq!(verdict.summary().split(';').next(), Some("R0 !read_ok"));
        }
        // A buffer that is just large enough is enough.
        let (result, log) = request.send_logged_in(LogLevel::LEVEL1, 256, 1 << 20);
        assert_eq!(result.unwrap_err(), Errno::ACCESS);
        assert_eq!(log.text, whole.text);
        assert!(!log.truncated);
    }
}
