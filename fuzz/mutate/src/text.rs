//! Text: pieces of it moved about, and words of a table put in.

use crate::Random;
use crate::bytes;

/// What the texts we read are made of.
const WORDS: &[&str] = &[
    "\n",
    " ",
    "\t",
    "=",
    ":",
    "/",
    "+",
    "-",
    "0x",
    "0",
    "1",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "ffffffffffffffff",
    "insn ",
    "; ",
    " @ ",
    "from ",
    "R0=",
    "processed ",
    "func#0 ",
    "y",
    "m",
    "n",
    "\"",
    "\\",
    "CONFIG_",
    "CONFIG_A=",
    "[",
    "]",
    ".",
    ".cold",
    ".llvm.",
    ".isra.0",
    "T",
    "?",
    "*",
    "kprobe/",
    "uprobe/",
    "usdt/",
    "tp/",
    "tp_btf/",
    "fentry/",
    "!/",
    "@",
    "é",
    "\u{0}",
    "{",
    "}",
    ",",
    "true",
    "null",
];

/// Changes a text; what comes out need not be text.
pub fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 => bytes(input, random),
        1 => {
            let lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
            let line = random.pick(&lines).map_or(Vec::new(), |line| line.to_vec());
            if input.len() < 1 << 14 {
                input.splice(at..at, line);
            }
        }
        2 => {
            let end = (at + random.below(24)).min(input.len());
            input.drain(at..end);
        }
        _ if input.len() < 1 << 14 => {
            let word = random.pick(WORDS).unwrap_or(&"");
            let end = (at + random.below(2) * word.len()).min(input.len());
            input.splice(at..end, word.bytes());
        }
        _ => input.truncate(at),
    }
}
