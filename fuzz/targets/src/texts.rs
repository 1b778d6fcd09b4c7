//! Texts: names, settings, symbols, logs.

use oxbpf_object::Endian;
use oxbpf_object::kconfig::{Variable, settings};
use oxbpf_object::section_name::SectionName;

/// The text, up to where it stops being one.
fn text(input: &[u8]) -> &str {
    match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&input[..error.valid_up_to()]).unwrap_or_default(),
    }
}

pub(crate) fn section_names(input: &[u8]) {
    for line in text(input).lines() {
        let Some(name) = SectionName::parse(line) else {
            continue;
        };
        assert!(line.contains(name.def.name));
        if let Err(error) = name.parse_target() {
            assert!(!error.to_string().is_empty());
        }
    }
}

pub(crate) fn kconfig(input: &[u8]) {
    let number = |size, is_signed| Variable::Int { size, is_signed };
    let variables = [
        Variable::Bool,
        Variable::Char { is_signed: true },
        Variable::Char { is_signed: false },
        Variable::Tristate { size: 4 },
        Variable::Tristate { size: 8 },
        number(2, true),
        number(4, false),
        number(8, true),
        number(8, false),
        Variable::Text { size: 8 },
    ];
    for setting in settings(text(input)) {
        for variable in variables {
            for endian in [Endian::Little, Endian::Big] {
                match variable.bytes_of(setting.value, endian) {
                    Ok(bytes) => assert_eq!(bytes.len(), variable.size() as usize),
                    Err(misfit) => assert!(!misfit.to_string().is_empty()),
                }
            }
        }
    }
}

pub(crate) fn kallsyms(input: &[u8]) {
    for name in ["do_exit", "", "a"] {
        let (symbols, near) = oxbpf::fuzz::kallsyms(input, name).expect("bytes in memory");
        assert!(symbols.named(name).iter().all(|symbol| symbol.name == name));
        let _ = symbols.address(name);
        assert!(
            symbols
                .variants(name)
                .iter()
                .all(|symbol| symbol.variant().is_some())
        );
        assert!(near.len() < 100);
    }
}

pub(crate) fn verifier_log(input: &[u8]) {
    let (summary, _) = oxbpf::fuzz::verifier_log(&String::from_utf8_lossy(input));
    assert!(!summary.contains('\n'));
}

pub(crate) fn gzip(input: &[u8]) {
    const LIMIT: usize = 1 << 16;
    if let Ok(bytes) = oxbpf::fuzz::gunzip(input, LIMIT) {
        assert!(bytes.len() <= LIMIT);
    }
}
