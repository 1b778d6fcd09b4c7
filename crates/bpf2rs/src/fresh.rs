//! Whether there is anything to do: what the last run read, was told and wrote is noted in the user's
//! cache, and as long as all of that is as it was, the next run would write the same.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use crate::{clang::Clang, output::Output};

/// What clang's idea of headers depends on, beside its flags.
const ENVIRONMENT: &[&str] = &["CPATH", "C_INCLUDE_PATH", "CCC_OVERRIDE_OPTIONS"];

/// From so many notes on, those of output that is gone are thrown away.
const MANY: usize = 200;

/// The first line of a note.
const HEADER: &str = "bpf2rs 1";

/// Where a run is noted, and under which circumstances it may be relied on.
#[derive(Debug)]
pub(crate) struct Note {
    file: PathBuf,
    circumstances: u64,
}

/// A run that need not be repeated.
#[derive(Debug)]
pub(crate) struct Unchanged {
    pub(crate) written: Vec<PathBuf>,
    pub(crate) warnings: String,
}

impl Note {
    /// The note on a run that was asked for in these words and writes this file, among others; `None`
    /// where there is no place for notes.
    pub(crate) fn on(request: &str, clang: Option<&Clang>, output: &Path) -> Option<Self> {
        let directory = directory()?;
        let output = std::path::absolute(output).ok()?;
        let mut hasher = DefaultHasher::new();
        request.hash(&mut hasher);
        env::current_dir().ok().hash(&mut hasher);
        if let Some(clang) = clang {
            (clang.path(), clang.version()).hash(&mut hasher);
            of_file(clang.path()).hash(&mut hasher);
        }
        for name in ENVIRONMENT {
            env::var_os(name).hash(&mut hasher);
        }
        // Another build of ourselves may write something else.
        if let Ok(program) = env::current_exe() {
            of_file(&program).hash(&mut hasher);
        }
        Some(Self {
            file: directory.join(format!("{:016x}", hash(&output))),
            circumstances: hasher.finish(),
        })
    }

    /// The run, if it would be the same again.
    pub(crate) fn unchanged(&self) -> Option<Unchanged> {
        let text = fs::read_to_string(&self.file).ok()?;
        let (files, warnings) = text.split_once("\n\n")?;
        let mut lines = files.lines();
        let is_ours = lines.next()? == format!("{HEADER} {:016x}", self.circumstances);
        let mut written = Vec::new();
        for line in lines.filter(|_| is_ours) {
            let mut words = line.splitn(3, ' ');
            let (what, then, path) = (words.next()?, words.next()?, Path::new(words.next()?));
            if format!("{:016x}", of_contents(path)?) != then {
                return None;
            }
            if what == "wrote" {
                written.push(path.to_path_buf());
            }
        }
        is_ours.then(|| Unchanged {
            written,
            warnings: warnings.to_owned(),
        })
    }

    /// Notes a run: it read what the output depends on, and wrote these files.
    pub(crate) fn write(&self, output: &Output, written: &[PathBuf]) {
        let mut text = format!("{HEADER} {:016x}", self.circumstances);
        let read = output.read().map(|path| ("read", path));
        let wrote = written.iter().map(|path| ("wrote", path.as_path()));
        for (what, path) in read.chain(wrote) {
            // No note, and so no harm, for what it has no words for.
            let name = path.to_str().filter(|name| !name.contains('\n'));
            let Some((name, hash)) = name.zip(of_contents(path)) else {
                return;
            };
            text.push_str(&format!("\n{what} {hash:016x} {name}"));
        }
        text.push_str("\n\n");
        text.push_str(&output.warnings);
        if let Some(directory) = self.file.parent() {
            // Whoever cannot write here does everything anew each time.
            let _ = fs::create_dir_all(directory);
            throw_away(directory);
            let _ = fs::write(&self.file, text);
        }
    }
}

/// The directory for notes.
fn directory() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|path| path.is_absolute());
    let cache = match cache {
        Some(cache) => cache,
        None => Path::new(&env::var_os("HOME").filter(|home| !home.is_empty())?).join(".cache"),
    };
    Some(cache.join("bpf2rs"))
}

/// Throws away the notes on output that is gone, if there are many.
fn throw_away(directory: &Path) {
    let notes: Vec<_> = directory
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    if notes.len() < MANY {
        return;
    }
    for note in notes {
        let text = fs::read_to_string(note.path()).unwrap_or_default();
        let wrote = text.lines().find_map(|line| line.strip_prefix("wrote "));
        let path = wrote.and_then(|line| line.split_once(' '));
        if path.is_none_or(|(_, path)| !Path::new(path).exists()) {
            let _ = fs::remove_file(note.path());
        }
    }
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn of_contents(path: &Path) -> Option<u64> {
    fs::read(path).ok().map(hash)
}

/// What tells whether a program is another one by now.
fn of_file(path: &Path) -> Option<(u64, std::time::SystemTime)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
