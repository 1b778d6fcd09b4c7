//! Debian packages, fetched and unpacked without root and without touching the system's own packages.

use crate::process::{Context, Result, cache, output, run};
use crate::version::Version;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// The keys that Debian signs its suites with.
pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Debian's name of the architecture whose kernels we boot.
pub(crate) const ARCH: &str = "amd64";

/// How long a fetched index, and what was chosen from it, is trusted to be current.
const FRESH: Duration = Duration::from_secs(7 * 24 * 3600);

/// One entry of a package index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) filename: String,
    pub(crate) sha256: String,
    pub(crate) suite: String,
}

impl Package {
    /// Fetches the package, checks it, and unpacks it into `into`.
    pub(crate) fn unpack(&self, into: &Path) -> Result<()> {
        let deb = into.with_extension("deb");
        eprintln!(
            "fetching {} {} from {}",
            self.name, self.version.0, self.suite
        );
        fetch_checked(
            &self.suite,
            &self.filename.replace('+', "%2B"),
            &self.sha256,
            &deb,
        )?;
        run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(into))?;
        std::fs::remove_file(&deb).context(deb.display())
    }
}

/// The packages of a suite which `wanted` says yes to, by their name.
pub(crate) fn packages(suite: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<Package>> {
    let index = cache()?.join("index").join(format!("{suite}.{ARCH}.xz"));
    if !fresh(&index) {
        match fetch_index(suite, &index) {
            Err(error) if index.exists() => {
                eprintln!("{error}; going on with the index of last time");
            }
            fetched => fetched?,
        }
    }
    let text = output(Command::new("xz").arg("-dc").arg(&index))?;
    Ok(parse_index(&String::from_utf8_lossy(&text), suite, wanted))
}

/// Fetches the index of a suite that its signed release file names.
fn fetch_index(suite: &str, index: &Path) -> Result<()> {
    let release = index.with_extension("release");
    fetch(
        &format!("{}/dists/{suite}/InRelease", archive(suite)?),
        &release,
    )?;
    let mut verify = Command::new("gpgv");
    verify
        .args(["--quiet", "--keyring", KEYRING, "--output", "-"])
        .arg(&release);
    let signed = output(&mut verify).context(format!("{suite} is not signed by Debian"))?;
    let sha256 =
        index_sha256(&String::from_utf8_lossy(&signed)).ok_or(format!("{suite} has no index"))?;
    fetch_checked(
        suite,
        &format!("dists/{suite}/main/binary-{ARCH}/by-hash/SHA256/{sha256}"),
        &sha256,
        index,
    )
}

/// The checksum of our index in a release file, which lists each file once for each kind of checksum.
fn index_sha256(release: &str) -> Option<String> {
    let wanted = format!("main/binary-{ARCH}/Packages.xz");
    let mut sums = release
        .lines()
        .skip_while(|line| *line != "SHA256:")
        .skip(1)
        .take_while(|line| line.starts_with(' '));
    let words = sums.find_map(|line| Some(line.strip_suffix(&wanted)?.split_whitespace()))?;
    words.into_iter().next().map(str::to_owned)
}

/// Was this file written recently enough to believe it?
pub(crate) fn fresh(file: &Path) -> bool {
    let written = std::fs::metadata(file).and_then(|meta| meta.modified());
    written.is_ok_and(|time| {
        SystemTime::now()
            .duration_since(time)
            .is_ok_and(|age| age < FRESH)
    })
}

fn parse_index(text: &str, suite: &str, wanted: impl Fn(&str) -> bool) -> Vec<Package> {
    let stanzas = text.split("\n\n").filter_map(|stanza| {
        let field = |name: &str| {
            stanza
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::to_owned)
        };
        let name = field("Package").filter(|name| wanted(name))?;
        Some(Package {
            name,
            version: Version(field("Version")?),
            filename: field("Filename")?,
            sha256: field("SHA256")?,
            suite: suite.to_owned(),
        })
    });
    stanzas.collect()
}

/// Fetches a file of an archive, and keeps it only if it is the right one.
fn fetch_checked(suite: &str, path: &str, sha256: &str, file: &Path) -> Result<()> {
    let unchecked = file.with_extension(format!("unchecked{}", std::process::id()));
    fetch(&format!("{}/{path}", archive(suite)?), &unchecked)?;
    let sum = output(Command::new("sha256sum").arg(&unchecked))?;
    if String::from_utf8_lossy(&sum).split_whitespace().next() == Some(sha256) {
        return std::fs::rename(&unchecked, file).context(file.display());
    }
    let _ = std::fs::remove_file(&unchecked);
    Err(format!("{path} of {suite} does not have the SHA256 {sha256}").into())
}

/// Writes what `url` names to `file`, whole or not at all.
fn fetch(url: &str, file: &Path) -> Result<()> {
    let part = file.with_extension(format!("part{}", std::process::id()));
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).context(file.display())?;
    let curl = [
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--retry",
        "3",
    ];
    let done = run(Command::new("curl")
        .args(curl)
        .arg("--output")
        .arg(&part)
        .arg(url));
    let done = done.and_then(|()| std::fs::rename(&part, file).context(file.display()));
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// The address of the archive which holds a suite.
pub(crate) fn archive(suite: &str) -> Result<String> {
    let security = suite.ends_with("-security");
    if let Some(mirror) = std::env::var("OXBPF_DEBIAN_MIRROR")
        .ok()
        .filter(|mirror| !mirror.is_empty())
    {
        let mirror = mirror.trim_end_matches('/');
        return Ok(if security {
            format!("{mirror}-security")
        } else {
            mirror.to_owned()
        });
    }
    let mut sources = Vec::new();
    for file in apt_sources() {
        sources.extend(parse_sources(
            &std::fs::read_to_string(&file).unwrap_or_default(),
        ));
    }
    choose_archive(&sources, security).ok_or_else(|| {
        "no Debian mirror in the apt sources of this machine; set OXBPF_DEBIAN_MIRROR to the address of one \
         (it ends in /debian, with /debian-security beside it)"
            .into()
    })
}

fn apt_sources() -> Vec<PathBuf> {
    let listed = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.retain(|file| {
        matches!(
            file.extension().and_then(|e| e.to_str()),
            Some("list" | "sources")
        )
    });
    files.sort();
    files.push("/etc/apt/sources.list".into());
    files
}

/// The addresses in an apt sources file of either style (`deb ADDRESS suite ...` or `URIs: ADDRESS...`).
fn parse_sources(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let words = lines.filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
    let words = words
        .flat_map(str::split_whitespace)
        .filter(|word| word.contains("://"));
    words
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect()
}

/// Debian archives are told by their last part; a security archive can stand in for the main one, and the other way
/// round, because mirrors keep them side by side.
fn choose_archive(sources: &[String], security: bool) -> Option<String> {
    let ending = |end: &str| sources.iter().find(|source| source.ends_with(end)).cloned();
    let (main, sec) = (ending("/debian"), ending("/debian-security"));
    if security {
        sec.or_else(|| Some(format!("{}-security", main?)))
    } else {
        main.or_else(|| Some(sec?.strip_suffix("-security")?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "Package: linux-image-6.1.0-9-cloud-amd64\nDepends: x\nVersion: 6.1.27-1\n\
        Filename: pool/a.deb\nSize: 1\nSHA256: aa\nDescription: one\n two\n\n\
        Package: other\nVersion: 1\nFilename: pool/b.deb\nSHA256: bb\n\n\
        Package: linux-image-broken\nVersion: 1\n";

    #[test]
    fn index_entries_are_read_by_name() {
        let packages = parse_index(INDEX, "suite", |name| name.starts_with("linux-image-"));
        let expected = Package {
            name: "linux-image-6.1.0-9-cloud-amd64".into(),
            version: Version("6.1.27-1".into()),
            filename: "pool/a.deb".into(),
            sha256: "aa".into(),
            suite: "suite".into(),
        };
        assert_eq!(
            packages,
            [expected],
            "an entry without file or checksum is no package"
        );
    }

    #[test]
    fn the_index_is_known_by_its_sha256() {
        let release = "Suite: x\nMD5Sum:\n aa 10 main/binary-amd64/Packages.xz\nSHA256:\n \
            bb 9 main/binary-arm64/Packages.xz\n cc  10 main/binary-amd64/Packages.xz\nOther: x\n";
        assert_eq!(index_sha256(release).as_deref(), Some("cc"));
        assert_eq!(
            index_sha256("SHA256:\n aa 1 other\nX:\n bb 1 main/binary-amd64/Packages.xz\n"),
            None
        );
    }

    #[test]
    fn mirrors_are_read_from_both_styles_of_sources() {
        let deb822 = "Types: deb\n# URIs: http://old.test/debian\nURIs: http://a.test/debian/ http://b.test/debian\n";
        assert_eq!(
            parse_sources(deb822),
            ["http://a.test/debian", "http://b.test/debian"]
        );
        let list = "# deb http://old.test/debian x main\ndeb [signed-by=/k] http://c.test/debian-security s main\n";
        assert_eq!(parse_sources(list), ["http://c.test/debian-security"]);
    }

    #[test]
    fn the_other_archive_is_beside_the_one_we_know() {
        let choose = |sources: &[&str], security| {
            choose_archive(
                &sources.iter().map(|s| s.to_string()).collect::<Vec<_>>(),
                security,
            )
        };
        let both = [
            "http://x.test/other",
            "http://a.test/debian",
            "http://s.test/debian-security",
        ];
        assert_eq!(
            choose(&both, false).as_deref(),
            Some("http://a.test/debian")
        );
        assert_eq!(
            choose(&both, true).as_deref(),
            Some("http://s.test/debian-security")
        );
        assert_eq!(
            choose(&both[..2], true).as_deref(),
            Some("http://a.test/debian-security")
        );
        assert_eq!(
            choose(&both[2..], false).as_deref(),
            Some("http://s.test/debian")
        );
        assert_eq!(choose(&["http://u.test/ubuntu"], false), None);
    }
}
