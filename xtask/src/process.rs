//! Other programs, files, and the errors they end in.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Says what was being done when something failed.
pub(crate) trait Context<T> {
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}").into())
    }
}

/// Runs a command with our own standard streams; a failing status is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = show(command);
    let status = command.status().context(&line)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}` failed: {status}").into())
    }
}

/// What a command prints; a failing status is an error carrying what it said.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let line = show(command);
    let output = command.stdin(Stdio::null()).output().context(&line)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{line}` failed: {}: {}", output.status, said.trim()).into())
}

/// What a filter makes of `input`, whatever its exit status: decompressors print all they have and then complain about
/// the bytes that follow the stream.
pub(crate) fn filter(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let line = show(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context(&line)?;
    let mut stdin = child.stdin.take().ok_or("no pipe to write to")?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output()
    });
    Ok(output.context(line)?.stdout)
}

/// Is there a program of this name?
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    search_path()
        .into_iter()
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Where programs are looked for: PATH, what only root has in it, and before them Ubuntu's tools, whose `bpftool` in PATH
/// is a script that wants the one of the running kernel.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let tools = entries.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("linux-tools-")
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    tools
        .map(|entry| entry.path())
        .chain(std::env::split_paths(&path))
        .chain(sbin)
        .collect()
}

/// The shared libraries that a program needs, the loader among them; none if it is static, or no program.
pub(crate) fn libraries(program: &Path) -> Vec<PathBuf> {
    // ldd fails for static programs and for what is no program.
    let listed = output(Command::new("ldd").arg(program)).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A command as root: by itself, or through sudo.
pub(crate) fn root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(program);
    sudo
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// Where what was fetched is kept between runs.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => PathBuf::from(home).join(".cache"),
        _ => return Err("neither XDG_CACHE_HOME nor HOME is set".into()),
    };
    Ok(base.join("oxbpf"))
}

/// A directory of our own that goes away with the value.
#[derive(Debug)]
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(parent: &Path) -> Result<Scratch> {
        std::fs::create_dir_all(parent).context(parent.display())?;
        for attempt in 0u32.. {
            let dir = parent.join(format!(".scratch-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&dir) {
                Ok(()) => return Ok(Scratch(dir)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context(dir.display()),
            }
        }
        Err("no free scratch name".into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
