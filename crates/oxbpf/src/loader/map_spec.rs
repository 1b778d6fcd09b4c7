//! What a map's spec leaves to the machine it is loaded on.

use oxbpf_object::MapType;
use oxbpf_object::kernel::MapFlags;
use oxbpf_object::spec::{DataKind, MapSpec};

use crate::error::{Error, ErrorKind, Result};

/// Bytes of a kernel object's name, without its NUL (`BPF_OBJ_NAME_LEN` of uapi `linux/bpf.h`).
const OBJECT_NAME: usize = 15;
/// Bytes of a data map's name that are for the section at least: as long as ".rodata".
const SECTION_NAME: usize = 7;

/// The name that the kernel shows: a data map's starts with the object's, by libbpf's rule, so
/// that `bpftool map` tells one object's `.bss` from another's.
pub(super) fn kernel_name(object: &str, spec: &MapSpec) -> String {
    let name = &spec.name;
    // A second dot marks a section that the user named, such as `.data.config`.
    let is_plain_section = spec.data.is_some()
        && name.starts_with('.')
        && name.get(1..).is_some_and(|rest| !rest.contains('.'));
    if !is_plain_section {
        return name.clone();
    }
    let suffix = name.len().clamp(SECTION_NAME, OBJECT_NAME);
    let prefix: String = object.chars().take(OBJECT_NAME - suffix).collect();
    format!("{prefix}{name}")
}

/// Fills in what depends on this machine: sizes in pages and in CPUs, flags of data maps. The
/// CPUs are counted, which takes /sys, only where a map wants to know.
pub(super) fn for_machine(
    spec: &mut MapSpec,
    page_size: u32,
    cpus: impl FnOnce() -> Result<u32>,
) -> Result<()> {
    match spec.map_type {
        MapType::RINGBUF | MapType::USER_RINGBUF => {
            spec.max_entries = ring_size(spec.max_entries, page_size).ok_or_else(|| {
                Error::new(
                    ErrorKind::LimitExceeded,
                    format!("sizing ring buffer `{}`", spec.name),
                )
                .with_reason(format!(
                    "{} bytes round up to more than a ring buffer can have",
                    spec.max_entries
                ))
                .with_remedy("ask for at most 2 GiB")
            })?;
        }
        MapType::PERF_EVENT_ARRAY if spec.max_entries == 0 => spec.max_entries = cpus()?,
        _ => {}
    }
    if let Some(data) = &spec.data {
        match data.kind {
            DataKind::Rodata | DataKind::Kconfig => {
                spec.flags |= MapFlags::RDONLY_PROG | MapFlags::MMAPABLE;
            }
            DataKind::Data | DataKind::Bss => spec.flags |= MapFlags::MMAPABLE,
            _ => {}
        }
    }
    Ok(())
}

/// A ring's size in bytes: a power of two of whole pages. 0 stays 0, for the kernel to refuse.
fn ring_size(bytes: u32, page_size: u32) -> Option<u32> {
    if bytes == 0 {
        return Some(0);
    }
    bytes
        .div_ceil(page_size)
        .checked_next_power_of_two()?
        .checked_mul(page_size)
}

#[cfg(test)]
mod tests {
    use oxbpf_object::spec::DataSection;

    use super::*;

    fn data_map(name: &str, kind: DataKind) -> MapSpec {
        MapSpec {
            name: name.into(),
            map_type: MapType::ARRAY,
            data: Some(DataSection {
                kind,
                ..DataSection::default()
            }),
            ..MapSpec::default()
        }
    }

    #[test]
    fn data_maps_are_named_as_libbpf_names_them() {
        let name = |section| kernel_name("exec_count_long", &data_map(section, DataKind::Data));
        assert_eq!(name(".bss"), "exec_cou.bss");
        assert_eq!(name(".rodata"), "exec_cou.rodata");
        assert_eq!(name(".kconfig"), "exec_co.kconfig");
        assert_eq!(name(".data.config"), ".data.config");
        let map = MapSpec {
            name: "counts".into(),
            ..MapSpec::default()
        };
        assert_eq!(kernel_name("exec_count", &map), "counts");
    }

    #[test]
    fn rings_are_powers_of_two_of_pages() {
        assert_eq!(ring_size(0, 4096), Some(0));
        assert_eq!(ring_size(1, 4096), Some(4096));
        assert_eq!(ring_size(4096 * 3, 4096), Some(4096 * 4));
        assert_eq!(ring_size(1 << 18, 65536), Some(1 << 18));
        assert_eq!(ring_size(u32::MAX, 4096), None);
    }

    #[test]
    fn the_machine_sizes_perf_arrays_and_maps_data() {
        let mut perf = MapSpec {
            map_type: MapType::PERF_EVENT_ARRAY,
            ..MapSpec::default()
        };
        for_machine(&mut perf, 4096, || Ok(6)).unwrap();
        assert_eq!(perf.max_entries, 6);
        let mut rodata = data_map(".rodata", DataKind::Rodata);
        for_machine(&mut rodata, 4096, || Ok(6)).unwrap();
        assert!(
            rodata
                .flags
                .contains(MapFlags::RDONLY_PROG | MapFlags::MMAPABLE)
        );
    }
}
