//! A command run as root inside a real kernel: QEMU without hardware help, an initramfs made for the occasion.

use crate::cpio::Archive;
use crate::kernel::{Kernel, files_below};
use crate::process::{Context, Result, Scratch, find_program, libraries};
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str = "[--kernel 6.1] [--smp 1] [--memory MB] [--timeout SECONDS] [--append WORDS] [--console] [FILE... --] [CMD ARGS...]";

const INIT: &str = include_str!("../../vmtest/init.sh");

/// What to run, in what kind of machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) cpus: u32,
    /// MiB; `None` for as much as the files need.
    pub(crate) memory: Option<u64>,
    /// More words for the kernel's command line.
    pub(crate) append: String,
    pub(crate) timeout: Duration,
    /// Show the kernel's console when done.
    pub(crate) console: bool,
    /// Files and directories of this machine, to be found in the guest at the same place.
    pub(crate) files: Vec<PathBuf>,
    /// Files made for the guest.
    pub(crate) extra: Vec<(String, Vec<u8>)>,
    /// A shell script.
    pub(crate) script: String,
    /// Let the guest have our standard input.
    pub(crate) interactive: bool,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            cpus: 1,
            memory: None,
            append: String::new(),
            timeout: Duration::from_secs(300),
            console: false,
            files: Vec::new(),
            extra: Vec::new(),
            script: String::new(),
            interactive: false,
        }
    }
}

pub(crate) fn main(args: &[String]) -> Result<()> {
    let mut machine = Machine::default();
    let mut kernel = "6.1".to_owned();
    let mut rest = args.iter();
    let mut words: Vec<String> = Vec::new();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--kernel" => kernel = value()?.clone(),
            "--smp" => machine.cpus = value()?.parse().context(word)?,
            "--memory" => machine.memory = Some(value()?.parse().context(word)?),
            "--timeout" => machine.timeout = Duration::from_secs(value()?.parse().context(word)?),
            "--append" => machine.append = value()?.clone(),
            "--console" => machine.console = true,
            option if option.starts_with("--") && option != "--" => {
                return Err(format!("no option {option}; usage: vm {USAGE}").into());
            }
            _ => {
                words.push(word.clone());
                words.extend(rest.by_ref().cloned());
            }
        }
    }
    let command = match words.iter().position(|word| word == "--") {
        Some(end) => {
            machine.files = words[..end].iter().map(PathBuf::from).collect();
            &words[end + 1..]
        }
        None => &words[..],
    };
    if command.is_empty() {
        machine.interactive = std::io::stdin().is_terminal();
        machine.timeout = Duration::from_secs(24 * 3600);
    }
    machine.script = match command {
        [] => "sh -i".to_owned(),
        words => words
            .iter()
            .map(|word| quote(word))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let status = machine.run(&Kernel::get(&kernel)?, |chunk| {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(chunk).and_then(|()| stdout.flush());
    })?;
    std::process::exit(status.into())
}

/// A word as the shell reads it back.
pub(crate) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl Machine {
    /// Boots, runs the script, and gives its exit status; `show` gets what it prints, as it comes.
    pub(crate) fn run(&self, kernel: &Kernel, mut show: impl FnMut(&[u8])) -> Result<u8> {
        if !cfg!(target_arch = "x86_64") {
            return Err("test machines are for x86_64 only".into());
        }
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let initrd = scratch.0.join("initrd");
        self.write_initrd(kernel, &initrd)?;
        for attempt in 1.. {
            let ended = self.boot(kernel, &scratch.0, &mut show)?;
            let console = std::fs::read(scratch.0.join("console")).unwrap_or_default();
            let console = String::from_utf8_lossy(&console).replace('\r', "");
            if self.console {
                eprint!("{console}");
            }
            // What a test makes the kernel complain about, its author wants to know.
            for line in console
                .lines()
                .filter(|line| line.contains("WARNING: ") || line.contains("BUG: "))
            {
                eprintln!("{}: {line}", kernel.name);
            }
            let problem = match ended {
                Ended::Status(status) => return Ok(status),
                Ended::TimedOut => format!("still running after {} s", self.timeout.as_secs()),
                Ended::Died => "the guest died".to_owned(),
            };
            // A fault of QEMU while the kernel patches its own text, not of what runs inside.
            if attempt == 1 && console.contains("int3") {
                eprintln!("the guest died patching its text; once more");
                continue;
            }
            let tail: Vec<&str> = console.lines().rev().take(40).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            return Err(format!("{problem}; the end of its console:\n{}", tail.join("\n")).into());
        }
        unreachable!("every second attempt returns")
    }

    fn boot(&self, kernel: &Kernel, scratch: &Path, show: &mut dyn FnMut(&[u8])) -> Result<Ended> {
        let qemu = find_program("qemu-system-x86_64")
            .ok_or("no qemu-system-x86_64; `make test` or `cargo xtask setup` installs it")?;
        let (initrd, status) = (scratch.join("initrd"), scratch.join("status"));
        let payload = std::fs::metadata(&initrd).context("initrd")?.len() >> 20;
        // The archive and what is unpacked from it are in memory together for a moment.
        let memory = self.memory.unwrap_or(384 + payload * 5 / 2);
        let mut child = Command::new(qemu)
            // With one thread per CPU, QEMU is known to lose track of kernel text that is being patched.
            .args(["-accel", "tcg,thread=single", "-cpu", "max"])
            .args(["-m", &memory.to_string(), "-smp", &self.cpus.to_string()])
            .args(["-nodefaults", "-display", "none", "-no-reboot"])
            .args(["-chardev", "stdio,id=io,signal=off"])
            .args([
                "-serial",
                &format!("file:{}", scratch.join("console").display()),
            ])
            .args(["-serial", "chardev:io"])
            .args(["-serial", &format!("file:{}", status.display())])
            .arg("-kernel")
            .arg(kernel.image())
            .arg("-initrd")
            .arg(&initrd)
            .args([
                "-append",
                &format!(
                    "console=ttyS0 quiet panic=-1 oops=panic {} {}",
                    kernel.append, self.append
                ),
            ])
            .stdin(if self.interactive {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .spawn()
            .context("qemu-system-x86_64")?;
        let mut stdout = child.stdout.take().ok_or("no pipe to read from")?;
        let (sender, chunks) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + self.timeout;
        loop {
            match chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => show(&chunk),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().context("qemu")?;
                    child.wait().context("qemu")?;
                    return Ok(Ended::TimedOut);
                }
            }
        }
        let exit = child.wait().context("qemu")?;
        if !exit.success() {
            return Err(format!("qemu-system-x86_64 failed: {exit}").into());
        }
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let status = status
            .lines()
            .find_map(|line| line.strip_prefix("exit ")?.trim().parse().ok());
        Ok(status.map_or(Ended::Died, Ended::Status))
    }

    /// Busybox, the kernel's modules, our files with the libraries they need.
    fn write_initrd(&self, kernel: &Kernel, file: &Path) -> Result<()> {
        let mut archive = Archive::new(BufWriter::new(File::create(file).context(file.display())?));
        archive.file("/init", true, INIT.as_bytes())?;
        archive.file("/cmd", false, self.script.as_bytes())?;
        let busybox = busybox()?;
        archive.file(
            "/bin/busybox",
            true,
            &std::fs::read(&busybox).context(busybox.display())?,
        )?;
        archive.file(
            "/config",
            false,
            &std::fs::read(kernel.config()).context("config")?,
        )?;
        for module in kernel.modules()? {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            archive.file(
                &format!("/modules/{name}"),
                false,
                &std::fs::read(&module).context(&name)?,
            )?;
        }
        for dir in [
            "/boot", "/dev", "/proc", "/root", "/run", "/sys", "/tmp", "/var/tmp",
        ] {
            archive.dir(dir)?;
        }
        archive.file(
            "/etc/passwd",
            false,
            b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        )?;
        archive.file("/etc/group", false, b"root:x:0:\nnogroup:x:65534:\n")?;
        for (path, contents) in &self.extra {
            archive.file(path, true, contents)?;
        }
        for file in &self.files {
            let file = std::path::absolute(file).context(file.display())?;
            let wanted = if file.is_dir() {
                files_below(&file)?
            } else {
                [vec![file.clone()], libraries(&file)].concat()
            };
            for file in wanted {
                let meta = std::fs::metadata(&file).context(file.display())?;
                let executable = meta.permissions().mode() & 0o111 != 0;
                let contents = std::fs::read(&file).context(file.display())?;
                archive.file(&file.to_string_lossy(), executable, &contents)?;
            }
        }
        archive
            .finish()
            .and_then(|mut out| out.flush())
            .context(file.display())
    }
}

#[derive(Debug)]
enum Ended {
    Status(u8),
    Died,
    TimedOut,
}

/// The static busybox; a dynamic one would not start in the guest.
fn busybox() -> Result<PathBuf> {
    let found = find_program("busybox").filter(|file| libraries(file).is_empty());
    found.ok_or_else(|| "no static busybox; `cargo xtask setup` installs busybox-static".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::output;

    #[test]
    fn words_survive_the_shell() {
        let word = r#"a 'b' "c" $d \e"#;
        let echoed = output(
            Command::new("sh")
                .arg("-c")
                .arg(format!("printf %s {}", quote(word))),
        )
        .unwrap();
        assert_eq!(String::from_utf8(echoed).unwrap(), word);
    }

    #[test]
    fn a_dynamic_program_comes_with_its_loader() {
        let files = libraries(&std::env::current_exe().unwrap());
        assert!(
            files
                .iter()
                .any(|file| file.to_string_lossy().contains("/ld-linux")),
            "{files:?}"
        );
        assert!(libraries(Path::new("/etc/passwd")).is_empty());
    }
}
