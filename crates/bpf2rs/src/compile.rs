//! One C file, one byte order, one object: what clang is told, and what it tells.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

use crate::{
    clang::Clang,
    error::{Error, ErrorKind, Result},
    scratch::Scratch,
    strip::strip,
    target::{Arch, Target, Variant},
};

/// What C can tell bpf2rs.
const MARKS: &str = include_str!("bpf2rs.h");

/// What is compiled, and how.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) clang: &'a Clang,
    /// Absolute, so that clang's messages can be followed from anywhere.
    pub(crate) source: &'a Path,
    /// From [`absolute_paths`].
    pub(crate) cflags: &'a [OsString],
    pub(crate) strip: bool,
    pub(crate) color: bool,
    pub(crate) scratch: &'a Scratch,
    /// Where a `vmlinux.h` of our making lies, if the source wants one.
    pub(crate) vmlinux: Option<PathBuf>,
}

/// What clang made of it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) object: Vec<u8>,
    /// The source and every header it includes, those of our making excepted.
    pub(crate) dependencies: Vec<PathBuf>,
    /// Warnings.
    pub(crate) diagnostics: String,
}

/// Flags that bpf2rs decides about, whether they are the start of others, and what to use instead.
const RESERVED: &[(&str, bool, &str)] = &[
    ("-target", true, "use `--target`"),
    ("--target", true, "use `--target`"),
    ("-o", true, "use `--output`"),
    ("-M", true, "bpf2rs asks for dependencies itself"),
    ("-c", false, "bpf2rs passes it itself"),
    ("-S", false, "bpf2rs wants an object"),
    ("-E", false, "bpf2rs wants an object"),
    ("-emit-llvm", false, "bpf2rs wants an object"),
    ("-g0", false, "without BTF there are no types"),
];

/// Refuses flags that would change what the others of this module are for.
pub(crate) fn check_cflags(cflags: &[OsString]) -> Result<()> {
    for flag in cflags {
        let text = flag.to_string_lossy();
        let reserved = RESERVED
            .iter()
            .find(|(name, is_start, _)| text == *name || *is_start && text.starts_with(name));
        if let Some((_, _, why)) = reserved {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("`{text}` cannot be passed on to clang"),
            )
            .with_remedy(*why));
        }
    }
    Ok(())
}

impl Job<'_> {
    /// Compiles for one byte order.
    ///
    /// # Errors
    /// [`ErrorKind::Compile`] with clang's messages if clang refuses.
    pub(crate) fn compile(&self, variant: Variant) -> Result<Compiled> {
        let directory = self.scratch.directory(&variant.directory())?;
        let object = directory.join("object.o");
        let rules = directory.join("object.d");
        let mut command = self.command(variant)?;
        command.args(["-MD", "-MT", "object", "-MF"]).arg(&rules);
        command.arg("-c").arg(self.source).arg("-o").arg(&object);
        let diagnostics = self.run(&mut command, variant)?;
        let bytes = fs::read(&object).map_err(|e| Error::io("reading", &object, e))?;
        let rules = fs::read(&rules).map_err(|e| Error::io("reading", &rules, e))?;
        let mut dependencies = dependencies(&rules);
        dependencies.retain(|path| !path.starts_with(self.scratch.path()));
        Ok(Compiled {
            object: if self.strip { strip(&bytes)? } else { bytes },
            dependencies,
            diagnostics,
        })
    }

    /// Whether the source, or what it includes, asks for a `vmlinux.h` that no include path has.
    pub(crate) fn wants_vmlinux(&self, variant: Variant) -> Result<bool> {
        let mut command = self.command(variant)?;
        // -MG takes missing headers for ones yet to be made, and names them as written.
        command
            .args(["-M", "-MG", "-MT", "object", "-w"])
            .arg(self.source);
        let Ok(output) = command.output() else {
            return Ok(false);
        };
        // Whatever else is wrong with the source, compiling it says.
        Ok(dependencies(&output.stdout)
            .iter()
            .any(|path| path == Path::new("vmlinux.h")))
    }

    /// The source after the preprocessor, with an empty `vmlinux.h`; `None` where clang does not
    /// get through it.
    pub(crate) fn preprocessed(&self, variant: Variant) -> Result<Option<String>> {
        let directory = self.scratch.directory("empty")?;
        let header = directory.join("vmlinux.h");
        fs::write(&header, "").map_err(|e| Error::io("writing", &header, e))?;
        let mut command = self.command(variant)?;
        command.arg("-I").arg(directory);
        command.args(["-E", "-P", "-w"]).arg(self.source);
        let output = command.output().ok();
        let output = output.filter(|output| output.status.success());
        Ok(output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    fn command(&self, variant: Variant) -> Result<Command> {
        let Variant { target, arch } = variant;
        let mut command = Command::new(self.clang.path());
        // BTF holds the lines of the source, which clang looks for by the paths of the prefix
        // map: they are true from here.
        if let Some(directory) = self.source.parent() {
            command.current_dir(directory);
        }
        // Ours first: where a flag is given twice, the later one counts.
        command.args(["-O2", "-g", "-mcpu=v3", "-fno-stack-protector"]);
        command.args(["-target", target.name()]);
        // The same bytes from the same source, wherever it lies, whoever compiles it.
        command.args(["-fno-ident", "-fno-addrsig"]);
        let mut prefixes = prefix_map(self.source, self.cflags);
        prefixes.push((self.scratch.path().to_path_buf(), "bpf2rs".into()));
        for (from, to) in prefixes {
            let mut flag = OsString::from("-ffile-prefix-map=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            command.arg(flag);
        }
        if let Some(arch) = arch {
            command.arg(format!("-D__TARGET_ARCH_{}", arch.define()));
        }
        command.arg(if self.color {
            "-fcolor-diagnostics"
        } else {
            "-fno-color-diagnostics"
        });
        command.args(self.cflags);
        command.arg("-isystem").arg(self.own_headers(variant)?);
        if let Some(directory) = &self.vmlinux {
            command.arg("-I").arg(directory);
        }
        if let Some(directory) = multiarch_headers(arch.or(Arch::host()), target) {
            command.arg("-idirafter").arg(directory);
        }
        Ok(command)
    }

    /// A directory with `bpf2rs.h`, and an `asm/byteorder.h` that says the target's byte order. The
    /// system's speaks of this machine's processor, and would lay out `struct iphdr` the wrong way
    /// round for the other one.
    fn own_headers(&self, variant: Variant) -> Result<PathBuf> {
        let name = variant.directory();
        let directory = self.scratch.directory(&name)?;
        let asm = self.scratch.directory(&format!("{name}/asm"))?;
        let asm = asm.join("byteorder.h");
        let text = format!(
            "#include <linux/byteorder/{}_endian.h>\n",
            variant.target.endian_name()
        );
        fs::write(&asm, text).map_err(|e| Error::io("writing", &asm, e))?;
        let marks = directory.join("bpf2rs.h");
        fs::write(&marks, MARKS).map_err(|e| Error::io("writing", &marks, e))?;
        Ok(directory)
    }

    /// Runs clang and returns its warnings.
    fn run(&self, command: &mut Command, variant: Variant) -> Result<String> {
        let output = command.output().map_err(|error| {
            Error::new(
                ErrorKind::Clang,
                format!("running `{}` failed", self.clang.path().display()),
            )
            .with_source(error)
        })?;
        let diagnostics = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            return Ok(diagnostics);
        }
        let error = Error::new(
            ErrorKind::Compile,
            format!("compiling `{}` for {variant} failed", self.source.display()),
        );
        let error = match remedy(&diagnostics) {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        };
        Err(error.with_run(quoted(command), diagnostics))
    }
}

/// What some of clang's messages mean to somebody who compiles BPF.
fn remedy(diagnostics: &str) -> Option<&'static str> {
    const REMEDIES: &[(&str, &str)] = &[
        (
            "'bpf/",
            "libbpf's headers are missing: `apt install libbpf-dev` (Debian, Ubuntu) \
             or `dnf install libbpf-devel` (Fedora)",
        ),
        (
            "'asm/",
            "the kernel's headers are missing: `apt install linux-libc-dev` (Debian, Ubuntu) \
             or `dnf install kernel-headers` (Fedora)",
        ),
        (
            "'linux/",
            "the kernel's headers are missing: `apt install linux-libc-dev` (Debian, Ubuntu) \
             or `dnf install kernel-headers` (Fedora)",
        ),
    ];
    let missing = diagnostics
        .lines()
        .find(|line| line.contains("file not found"));
    if let Some(line) = missing {
        return REMEDIES
            .iter()
            .find(|(prefix, _)| line.contains(prefix))
            .map(|(_, remedy)| *remedy);
    }
    if diagnostics.contains("unable to create target") {
        return Some("this clang was built without BPF: name another one in $CLANG");
    }
    if diagnostics.contains("__TARGET_ARCH_") {
        return Some("the source reads a processor's registers: say which with `--arch`");
    }
    None
}

/// How paths appear in the object: relative to the source's directory, so that none of this
/// machine does. A directory elsewhere altogether keeps its last name only.
///
/// Of several prefixes that fit a path, clang up to 16 takes the shortest and later ones the
/// last, so the shortest comes last.
fn prefix_map(source: &Path, cflags: &[OsString]) -> Vec<(PathBuf, PathBuf)> {
    let Some(base) = source.parent() else {
        return Vec::new();
    };
    let mut map = vec![(base.to_path_buf(), PathBuf::from("."))];
    for directory in include_directories(cflags) {
        let relative = relative_to(base, &directory);
        map.push((directory, relative));
    }
    map.sort_by_key(|(from, _)| std::cmp::Reverse(from.as_os_str().len()));
    map.dedup_by(|a, b| a.0 == b.0);
    map
}

/// Flags with a path, and whether it is a directory that headers are searched in.
const PATH_FLAGS: &[(&str, bool)] = &[
    ("-I", true),
    ("-isystem", true),
    ("-iquote", true),
    ("-idirafter", true),
    ("-include", false),
    ("-imacros", false),
];

/// The user's flags with their paths, which are relative to `base`, made absolute: clang runs in the source's
/// directory, and [`prefix_map`] compares paths.
pub(crate) fn absolute_paths(cflags: &[OsString], base: &Path) -> Vec<OsString> {
    let absolute = |path: &OsStr| {
        let path = base.join(path);
        path.canonicalize()
            .or_else(|_| std::path::absolute(&path))
            .unwrap_or(path)
            .into_os_string()
    };
    let mut flags = Vec::with_capacity(cflags.len());
    let mut given = cflags.iter();
    while let Some(flag) = given.next() {
        let Some((name, path)) = path_flag(flag) else {
            flags.push(flag.clone());
            continue;
        };
        flags.push(name.into());
        match path {
            Some(path) => flags.push(absolute(path)),
            None => flags.extend(given.next().map(|path| absolute(path))),
        }
    }
    flags
}

/// The directories that headers come from, in flags that [`absolute_paths`] returned.
fn include_directories(cflags: &[OsString]) -> impl Iterator<Item = PathBuf> {
    cflags.windows(2).filter_map(|pair| {
        let [flag, path] = pair else { return None };
        let (_, is_directory) = PATH_FLAGS.iter().find(|(name, _)| flag == name)?;
        let path = Path::new(path);
        if *is_directory {
            Some(path)
        } else {
            path.parent()
        }
        .map(Path::to_path_buf)
    })
}

/// A flag with a path, and the path where that is part of the same word.
fn path_flag(flag: &OsStr) -> Option<(&'static str, Option<&OsStr>)> {
    use std::os::unix::ffi::OsStrExt;

    PATH_FLAGS.iter().find_map(|(name, _)| {
        let path = flag.as_bytes().strip_prefix(name.as_bytes())?;
        match path.first() {
            None => Some((*name, None)),
            // Another flag, whose name begins with this one's.
            Some(b'-') => None,
            Some(_) => Some((*name, Some(OsStr::from_bytes(path)))),
        }
    })
}

/// The way from the directory `base` to `path`, both absolute; the last name of `path` if the
/// two have nothing in common.
fn relative_to(base: &Path, path: &Path) -> PathBuf {
    let shared = base
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared <= 1 {
        return path.file_name().map_or_else(|| ".".into(), PathBuf::from);
    }
    let up = base
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir.as_os_str());
    let down = path.components().skip(shared).map(Component::as_os_str);
    let relative: PathBuf = up.chain(down).collect();
    if relative.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        relative
    }
}

/// Where multiarch distributions keep `asm/types.h`, which clang does not search for BPF.
fn multiarch_headers(arch: Option<Arch>, target: Target) -> Option<PathBuf> {
    let own = arch.and_then(|arch| arch.triple(target));
    own.into_iter()
        .chain(Arch::triples())
        .map(|triple| Path::new("/usr/include").join(triple))
        .find(|directory| directory.join("asm/types.h").is_file())
}

/// The files named in the one rule of a makefile that clang wrote.
fn dependencies(rules: &[u8]) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt;

    let mut paths = Vec::new();
    let mut path = Vec::new();
    // Past the name of the rule, which is one word of our choice.
    let names = rules
        .iter()
        .position(|&byte| byte == b':')
        .map_or(&[][..], |colon| rules.get(colon + 1..).unwrap_or_default());
    let mut bytes = names.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'\n')) => {}
            (b'\\', Some(&next @ (b' ' | b'#' | b'\\'))) | (b'$', Some(&next @ b'$')) => {
                path.push(next);
                bytes.next();
            }
            (b' ' | b'\n', _) => {
                if !path.is_empty() {
                    paths.push(PathBuf::from(OsString::from_vec(std::mem::take(&mut path))));
                }
            }
            _ => path.push(byte),
        }
    }
    if !path.is_empty() {
        paths.push(PathBuf::from(OsString::from_vec(path)));
    }
    paths
}

/// A command as it can be pasted into a shell.
fn quoted(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(quote).collect::<Vec<_>>().join(" ")
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(flags: &[&str]) -> Vec<OsString> {
        flags.iter().map(OsString::from).collect()
    }

    #[test]
    fn reads_clangs_makefile_rules() {
        let rules = b"object: a.c /usr/include/x.h \\\n  with\\ space.h $$dollar.h \\#hash.h\n";
        let expected = [
            "a.c",
            "/usr/include/x.h",
            "with space.h",
            "$dollar.h",
            "#hash.h",
        ];
        assert_eq!(dependencies(rules), expected.map(PathBuf::from));
        assert!(dependencies(b"").is_empty());
        assert!(dependencies(b"object:").is_empty());
    }

    #[test]
    fn maps_paths_to_where_they_are_from_the_source() {
        let cflags = flags(&[
            "-I/home/me/p",
            "-isystem",
            "/opt/inc",
            "-DX",
            "-I/home/me/p/include",
        ]);
        let cflags = absolute_paths(&cflags, Path::new(""));
        let map = prefix_map(Path::new("/home/me/p/src/bpf/x.c"), &cflags);
        let map: Vec<_> = map
            .iter()
            .map(|(from, to)| (from.to_str().unwrap(), to.to_str().unwrap()))
            .collect();
        assert_eq!(
            map,
            [
                ("/home/me/p/src/bpf", "."),
                ("/home/me/p/include", "../../include"),
                ("/home/me/p", "../.."),
                ("/opt/inc", "inc"),
            ]
        );
    }

    #[test]
    fn makes_paths_in_flags_absolute() {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        let given = flags(&[
            "-Isrc",
            "-DX",
            "-isystem",
            "src",
            "-Inone/such",
            "-include",
            "src/lib.rs",
            "-include-pch",
            "-I",
        ]);
        let expected = [
            "-I".into(),
            here.join("src").into_os_string(),
            "-DX".into(),
            "-isystem".into(),
            here.join("src").into_os_string(),
            "-I".into(),
            here.join("none/such").into_os_string(),
            "-include".into(),
            here.join("src/lib.rs").into_os_string(),
            "-include-pch".into(),
            "-I".into(),
        ];
        assert_eq!(absolute_paths(&given, Path::new("")), expected);
        // Of a project elsewhere, relative to that.
        let given = flags(&["-Ibpf2rs", "-I/x"]);
        let expected = [
            "-I".into(),
            here.join("..")
                .canonicalize()
                .unwrap()
                .join("bpf2rs")
                .into_os_string(),
            "-I".into(),
            "/x".into(),
        ];
        assert_eq!(absolute_paths(&given, Path::new("..")), expected);
    }

    #[test]
    fn refuses_flags_that_it_decides_about() {
        for flag in ["-o", "-oelsewhere", "-MD", "-c", "-target", "--target=bpf"] {
            let error = check_cflags(&flags(&["-DX", flag])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{flag}");
            assert!(error.to_string().contains(flag), "{error}");
        }
        check_cflags(&flags(&[
            "-O1",
            "-mcpu=v4",
            "-I.",
            "-Wall",
            "-fcolor-diagnostics",
        ]))
        .unwrap();
    }

    #[test]
    fn quotes_what_a_shell_would_split() {
        let mut command = Command::new("clang");
        command.args(["-DX=a b", "it's", "", "-I/x"]);
        assert_eq!(quoted(&command), r"clang '-DX=a b' 'it'\''s' '' -I/x");
    }
}
