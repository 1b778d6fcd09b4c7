//! What to do about messages of the verifier that come up often.

/// A part of the message, and the advice. The first that is in a message counts: what is special comes before what is general.
const ADVICE: &[(&str, &str)] = &[
    ("cannot call GPL-restricted function", LICENCE),
    ("cannot call GPL only function", LICENCE),
    ("BPF program is too large", TOO_MUCH),
    ("too complex", TOO_MUCH),
    ("unknown func", NO_HELPER),
    ("invalid func unknown", NO_HELPER),
    (
        "program of this type cannot use helper",
        "this kernel has that helper for programs of other types only",
    ),
    (
        "failed to find the address for kernel symbol",
        "variables have addresses only in kernels built with CONFIG_KALLSYMS_ALL",
    ),
    (
        "map_value_or_null",
        "check the pointer that the lookup returned for NULL before using it",
    ),
    ("_or_null", "check the pointer for NULL before using it"),
    ("invalid mem access 'scalar'", NO_POINTER),
    ("invalid mem access 'inv'", NO_POINTER),
    (
        "invalid access to packet",
        "compare the pointer with `data_end` before reading that far into the packet",
    ),
    (
        "invalid access to map value",
        "check the index or offset against the size of the value before using it",
    ),
    (
        "outside of the allowed memory range",
        "check the index or offset against the size of the memory before using it",
    ),
    (
        "min value is negative",
        "make the index or length unsigned, or check that it is not below 0",
    ),
    ("invalid zero-sized read", BOUND),
    ("unbounded memory access", BOUND),
    (
        "!read_ok",
        "set the variable on every path before it is read; a call leaves nothing in R1 to R5",
    ),
    ("invalid indirect read from stack", UNSET),
    ("invalid read from stack", UNSET),
    ("invalid write to stack", STACK),
    ("combined stack size", STACK),
    (
        "invalid bpf_context access",
        "programs of this type may not touch that part of their context: read or write one of its fields, by its own size",
    ),
    (
        "is not supported yet",
        "functions that are not static take numbers and the context only on this kernel: make it static",
    ),
    ("Unreleased reference", RELEASE),
    ("reference leak", RELEASE),
    (
        "pointer arithmetic",
        "only add numbers to pointers or subtract them, and do not change a pointer that may be NULL",
    ),
    ("infinite loop detected", LOOP),
    ("back-edge", LOOP),
    (
        "should have been in",
        "return only what programs of this type may return",
    ),
];

const LICENCE: &str = "give the object a licence that is compatible with the GPL: `char LICENSE[] SEC(\"license\") = \"GPL\";`";
const TOO_MUCH: &str = "the verifier gave up after too many steps: bound its loops tighter, or move code to global functions, \
                        which are verified once";
const NO_HELPER: &str = "this kernel has no such helper, or not for programs of this type";
const NO_POINTER: &str = "this is a number to the verifier, not a pointer that it knows: read such memory with \
                          bpf_probe_read_kernel or BPF_CORE_READ";
const BOUND: &str = "bound the length before the call: more than 0, where that is asked for, and no more than there is room";
const UNSET: &str = "set all of the variable, padding too, before handing it on: `= {}` or memset";
const STACK: &str = "the stack has 512 bytes: keep what is large in a per-CPU array with one entry";
const RELEASE: &str = "release what was acquired on every path: bpf_ringbuf_submit or bpf_ringbuf_discard, bpf_sk_release, …";
const LOOP: &str = "give the loop a bound that the verifier can see, or use bpf_loop";

/// The advice for a message.
pub(super) fn advice(message: &str) -> Option<&'static str> {
    let known = ADVICE.iter().find(|(part, _)| message.contains(part));
    known.map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_real_kernels_refuse_is_advised_on() {
        let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/verifier_logs");
        for kernel in ["5.10", "6.1", "6.12", "6.18", "7.3"] {
            let found = std::fs::read_to_string(format!("{logs}/{kernel}.found")).unwrap();
            // Four lines each: a name, the message, the place, what the kernel advises.
            let lines: Vec<&str> = found.lines().collect();
            let without: Vec<&str> = lines
                .chunks(4)
                .filter(|entry| advice(entry[1]).is_none())
                .map(|entry| entry[0])
                .collect();
            assert_eq!(without, [""; 0], "{kernel}");
        }
    }

    #[test]
    fn what_is_special_comes_first() {
        let lookup = advice("R0 invalid mem access 'map_value_or_null'").unwrap();
        assert!(lookup.contains("lookup"), "{lookup}");
        let other = advice("R1 invalid mem access 'sock_or_null'").unwrap();
        assert!(
            !other.contains("lookup") && other.contains("NULL"),
            "{other}"
        );
    }
}
