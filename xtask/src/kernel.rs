//! Debian's kernels, made ready to boot: which there are, where they come from, what is taken out of their packages.

use crate::debian::{self, ARCH, Package};
use crate::process::{Context, Result, Scratch, cache, filter};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A series of kernels, and the suites that carry its newest one.
struct Series {
    name: &'static str,
    suites: &'static [&'static str],
    /// What its command line needs to be like the others.
    append: &'static str,
}

/// Known series. One that is not listed is looked for in `OTHER_SUITES`; `7` means the newest 7.x.
const SERIES: &[Series] = &[
    Series {
        name: "5.10",
        suites: &["bullseye-security"],
        append: "lsm=lockdown,yama,integrity,bpf",
    },
    Series {
        name: "6.1",
        suites: &["bookworm-security"],
        append: "",
    },
    Series {
        name: "6.12",
        suites: &["trixie", "trixie-security"],
        append: "",
    },
];
const OTHER_SUITES: &[&str] = &["trixie-backports", "sid"];

/// Modules that tests need, loaded at boot with what they depend on.
const MODULES: &[&str] = &[
    "veth",
    "sch_ingress",
    "cls_bpf",
    "act_bpf",
    "dummy",
    "tcp_bbr",
    "tun",
];

/// A kernel on disk, ready to boot.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The series.
    pub(crate) name: String,
    /// Holds `vmlinux`, `config` and the `modules`, their names in the order of loading.
    pub(crate) dir: PathBuf,
    pub(crate) append: &'static str,
}

impl Kernel {
    pub(crate) fn image(&self) -> PathBuf {
        self.dir.join("vmlinux")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("config")
    }

    /// In the order of loading.
    pub(crate) fn modules(&self) -> Result<Vec<PathBuf>> {
        let mut files = files_below(&self.dir.join("modules"))?;
        files.sort();
        Ok(files)
    }

    /// The newest kernel of a series (`6.1`, `7`), fetched if it is not there yet.
    pub(crate) fn get(name: &str) -> Result<Kernel> {
        let series = SERIES.iter().find(|series| series.name == name);
        let append = series.map_or("", |series| series.append);
        let kernels = cache()?.join("kernel");
        let current = kernels.join(format!("{name}.current"));
        if let Ok(release) = std::fs::read_to_string(&current) {
            let dir = kernels.join(release);
            if dir.is_dir() && debian::fresh(&current) {
                return Ok(Kernel {
                    name: name.to_owned(),
                    dir,
                    append,
                });
            }
        }
        let packages = choose(name, series.map_or(OTHER_SUITES, |series| series.suites))?;
        let main = &packages[0];
        let release = format!("{}_{}_{}", main.name, main.version.0, MODULES.join("_"));
        let dir = kernels.join(&release);
        if !dir.is_dir() {
            let scratch = Scratch::new(&kernels)?;
            let (unpacked, ready) = (scratch.0.join("unpacked"), scratch.0.join("ready"));
            for package in &packages {
                package.unpack(&unpacked)?;
            }
            prepare(&unpacked, &ready).context(&main.name)?;
            // Someone else may have been quicker.
            if std::fs::rename(&ready, &dir).is_err() && !dir.is_dir() {
                return Err(format!("cannot make {}", dir.display()).into());
            }
        }
        std::fs::write(&current, &release).context(current.display())?;
        Ok(Kernel {
            name: name.to_owned(),
            dir,
            append,
        })
    }
}

/// The packages of the newest kernel of a series, the one with the kernel image first.
fn choose(name: &str, suites: &[&str]) -> Result<Vec<Package>> {
    let mut found = Vec::new();
    for suite in suites {
        found.extend(debian::packages(suite, |package| {
            release(package, name).is_some()
        })?);
    }
    choose_from(found, name).ok_or_else(|| {
        format!(
            "no Debian kernel {name} in {} (cloud-{ARCH})",
            suites.join(", ")
        )
        .into()
    })
}

fn choose_from(found: Vec<Package>, name: &str) -> Option<Vec<Package>> {
    let newest = found
        .iter()
        .max_by(|a, b| a.version.cmp(&b.version))?
        .clone();
    let wanted = release(&newest.name, name)?.to_owned();
    let mut parts = found;
    parts.retain(|part| {
        part.version == newest.version
            && part.suite == newest.suite
            && release(&part.name, name) == Some(&wanted)
    });
    // Newer kernels come in parts, and their linux-image package is empty.
    if parts
        .iter()
        .any(|part| part.name.starts_with("linux-binary-"))
    {
        parts.retain(|part| !part.name.starts_with("linux-image-"));
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    let image = |part: &Package| {
        !part.name.starts_with("linux-binary-") && !part.name.starts_with("linux-image-")
    };
    parts.sort_by_key(image);
    Some(parts)
}

/// The kernel release a package belongs to, if it is of the series and of the flavour we boot.
fn release<'a>(package: &'a str, series: &str) -> Option<&'a str> {
    let kinds = [
        "linux-image-",
        "linux-binary-",
        "linux-modules-",
        "linux-base-",
    ];
    let release = kinds.iter().find_map(|kind| package.strip_prefix(kind))?;
    let in_series = release.strip_prefix(series)?.starts_with('.');
    (in_series && release.ends_with(&format!("-cloud-{ARCH}"))).then_some(release)
}

/// Takes from unpacked packages what booting needs.
fn prepare(unpacked: &Path, ready: &Path) -> Result<()> {
    let files = files_below(unpacked)?;
    let named = |wanted: &dyn Fn(&str) -> bool| {
        files.iter().find(|file| {
            file.file_name()
                .is_some_and(|name| wanted(&name.to_string_lossy()))
        })
    };
    let image = named(&|name| name == "vmlinuz" || name.starts_with("vmlinuz-"))
        .ok_or("no vmlinuz inside")?;
    let config =
        named(&|name| name == "config" || name.starts_with("config-")).ok_or("no config inside")?;
    std::fs::create_dir_all(ready.join("modules")).context(ready.display())?;
    let vmlinux = vmlinux(&std::fs::read(image).context(image.display())?)?;
    std::fs::write(ready.join("vmlinux"), vmlinux).context("vmlinux")?;
    std::fs::copy(config, ready.join("config")).context("config")?;

    let mut order = Vec::new();
    for module in MODULES {
        add_module(module, &files, &mut order)?;
    }
    for (position, (name, contents)) in order.iter().enumerate() {
        std::fs::write(
            ready.join(format!("modules/{position:02}-{name}.ko")),
            contents,
        )
        .context(name)?;
    }
    Ok(())
}

/// Appends a module after those it depends on. One that is not there may be built in; that is for the tests to see.
fn add_module(name: &str, files: &[PathBuf], order: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let name = name.replace('-', "_");
    let is_it = |file: &&PathBuf| {
        let file = file.file_name().unwrap_or_default().to_string_lossy();
        file.split_once(".ko")
            .is_some_and(|(stem, _)| stem.replace('-', "_") == name)
    };
    let Some(file) = files.iter().find(is_it) else {
        return Ok(());
    };
    if order.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let contents = decompress(&std::fs::read(file).context(file.display())?)?;
    for dependency in depends(&contents) {
        add_module(&dependency, files, order)?;
    }
    order.push((name, contents));
    Ok(())
}

/// The modules that a module names in its `depends=` line.
fn depends(module: &[u8]) -> Vec<String> {
    let key = b"\0depends=";
    let Some(start) = module.windows(key.len()).position(|window| window == key) else {
        return Vec::new();
    };
    let value = module[start + key.len()..]
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    let names = String::from_utf8_lossy(value);
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The kernel inside a bzImage, whose header (Documentation/arch/x86/boot.rst) says where it lies. QEMU boots it
/// directly, which saves the guest the work of unpacking it.
fn vmlinux(image: &[u8]) -> Result<Vec<u8>> {
    let word = |at: usize| {
        let bytes = image
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(u32::from_le_bytes)
            .ok_or("the kernel image ends too early")
    };
    if image.get(0x202..0x206) != Some(b"HdrS") {
        return Err("the kernel image is not a bzImage".into());
    }
    let setup_sectors = usize::from(image[0x1f1]).max(1);
    let start = (setup_sectors + 1) * 512 + word(0x248)? as usize;
    let end = start + word(0x24c)? as usize;
    let payload = image
        .get(start..end)
        .ok_or("the kernel image ends too early")?;
    let kernel = decompress(payload)?;
    if kernel.starts_with(b"\x7fELF") {
        Ok(kernel)
    } else {
        Err("no ELF file in the kernel image".into())
    }
}

/// Decompresses by whichever program understands the first bytes.
fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    let formats: &[(&[u8], &str)] = &[
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x02!L\x18", "lz4"),
        (b"\x1f\x8b\x08", "gzip"),
    ];
    match formats.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, program)) => filter(Command::new(program).arg("-dcq"), bytes),
        None => Ok(bytes.to_owned()),
    }
}

/// Every regular file below a directory.
pub(crate) fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).context(dir.display())? {
        let entry = entry.context(dir.display())?;
        let kind = entry.file_type().context(dir.display())?;
        if kind.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.into(),
            version: Version(version.into()),
            filename: String::new(),
            sha256: String::new(),
            suite: "s".into(),
        }
    }

    #[test]
    fn a_series_is_not_a_prefix_of_another() {
        assert_eq!(
            release("linux-image-6.1.0-56-cloud-amd64", "6.1"),
            Some("6.1.0-56-cloud-amd64")
        );
        assert_eq!(release("linux-image-6.12.1+deb13-cloud-amd64", "6.1"), None);
        assert_eq!(release("linux-image-6.1.0-56-amd64", "6.1"), None);
        assert_eq!(release("linux-image-6.1.0-56-cloud-amd64-dbg", "6.1"), None);
        assert_eq!(release("linux-headers-6.1.0-56-cloud-amd64", "6.1"), None);
    }

    #[test]
    fn the_newest_kernel_is_chosen_with_all_its_parts() {
        let found = vec![
            package("linux-image-7.9.1-cloud-amd64", "7.9.1-1"),
            package("linux-modules-7.10.2-cloud-amd64", "7.10.2-1"),
            package("linux-image-7.10.2-cloud-amd64", "7.10.2-1"),
            package("linux-binary-7.10.2-cloud-amd64", "7.10.2-1"),
            package("linux-base-7.10.2-cloud-amd64", "7.10.2-1"),
            package("linux-binary-7.9.1-cloud-amd64", "7.9.1-1"),
        ];
        let names: Vec<String> = choose_from(found, "7")
            .unwrap()
            .into_iter()
            .map(|part| part.name)
            .collect();
        let expected =
            ["binary", "base", "modules"].map(|part| format!("linux-{part}-7.10.2-cloud-amd64"));
        assert_eq!(
            names, expected,
            "the image first, and not the empty linux-image package"
        );
        let whole = vec![package("linux-image-6.1.0-9-cloud-amd64", "6.1.27-1")];
        assert_eq!(choose_from(whole.clone(), "6.1"), Some(whole));
        assert_eq!(choose_from(vec![], "6.1"), None);
    }

    #[test]
    fn a_module_names_what_it_needs() {
        assert_eq!(
            depends(b"x\0license=GPL\0depends=llc,stp\0name=bridge\0"),
            ["llc", "stp"]
        );
        assert!(depends(b"x\0depends=\0name=dummy\0").is_empty());
    }

    #[test]
    fn the_kernel_is_found_by_the_header_of_its_image() {
        let mut image = vec![0; 0x600];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&0x100u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&8u32.to_le_bytes());
        image[0x500..0x508].copy_from_slice(b"\x7fELF1234");
        assert_eq!(vmlinux(&image).unwrap(), b"\x7fELF1234");
        assert!(vmlinux(&image[..0x504]).is_err());
        image[0x500] = 0;
        assert!(vmlinux(&image).is_err());
    }
}
