//! What of a program is signed.

use super::assemble::AssembleError;
use super::{CollectionSpec, DataKind, RelocTarget};
use crate::asm::{encode, pseudo};

impl CollectionSpec {
    /// The bytes that a signature of a program is over: its instructions, as the loader gives them to the kernel where the
    /// program is signed. They name maps by position among [those it uses](super::Assembled::maps), so that they are the same in each load.
    ///
    /// Linux 7 wants all maps of a signed program to be [for it alone](super::MapSpec::exclusive_to) and frozen, as those of constants
    /// are, and the signature to be over their contents, too, each after the other behind the instructions. A program with a map
    /// that can be written cannot be signed there.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use oxbpf_object::CollectionSpec;
    ///
    /// let spec = CollectionSpec::from_file("exec_count.o")?;
    /// // Then: openssl cms -sign -binary -noattr -nocerts -outform DER -in insns -signer cert.pem -inkey key.pem
    /// std::fs::write("insns", spec.signed_bytes(0)?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the instructions depend on the kernel that the program is loaded into, by relocations to its types, by its functions
    /// and variables, or by an arena's variables, and where they jump by table; and as for [`assemble`](Self::assemble).
    pub fn signed_bytes(&self, program: usize) -> Result<Vec<u8>, AssembleError> {
        let mut assembled = self.assemble(program)?;
        let refuse = |problem: &str| {
            let name = self.programs.get(program).map_or("?", |spec| &spec.name);
            AssembleError::new(name, format!("it cannot be signed: {problem}"))
        };
        if !assembled.core_relos.is_empty() {
            return Err(refuse("its instructions depend on the kernel's types"));
        }
        let used = assembled.maps();
        for reloc in &assembled.relocs {
            let (map, offset) = match reloc.target {
                RelocTarget::Map(map) => (map, None),
                RelocTarget::MapValue { map, offset } => (map, Some(offset)),
                RelocTarget::JumpTable(_) => {
                    return Err(refuse("its jump tables become maps when it is loaded"));
                }
                RelocTarget::Extern(_) => {
                    return Err(refuse("it refers to what only the kernel has"));
                }
                _ => continue,
            };
            let data = self.maps.get(map).and_then(|map| map.data.as_ref());
            if data.is_some_and(|data| data.kind == DataKind::Arena) && offset.is_some() {
                return Err(refuse(
                    "where an arena's variables are depends on the kernel",
                ));
            }
            let Some([first, second, ..]) = assembled.insns.get_mut(reloc.insn..) else {
                return Err(refuse("a reference to a map is cut off"));
            };
            let position = used.iter().position(|used| *used == map);
            first.imm = position.map_or(i32::MAX, |position| {
                i32::try_from(position).unwrap_or(i32::MAX)
            });
            first.src = match offset {
                None => pseudo::MAP_IDX,
                Some(offset) => {
                    second.imm = offset as i32;
                    pseudo::MAP_IDX_VALUE
                }
            };
        }
        Ok(encode(&assembled.insns, self.endian))
    }
}
