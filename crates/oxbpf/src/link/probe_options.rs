//! What the builders of kprobes and uprobes, at entries and at returns, have in common.

/// Gives a builder around a `Probe` with `PerfOptions` its cookie, the way to attach, and `attach`, with what that may be refused
/// for.
macro_rules! probe_options {
    ($builder:ident for $kind:ident, $alias:literal, $(#[doc = $errors:literal])*) => {
        impl $builder {
            /// A number that the program gets from `bpf_get_attach_cookie`, to tell its attachments apart. Since Linux 5.15.
            #[must_use]
            pub fn cookie(mut self, cookie: u64) -> Self {
                self.0.options.cookie = cookie;
                self
            }

            /// How the program is attached to its perf event.
            #[must_use]
            pub fn attach_by(mut self, by: AttachBy) -> Self {
                self.0.options.by = by;
                self
            }

            /// Attaches `program`.
            ///
            /// # Errors
            ///
            $(#[doc = $errors])*
            #[doc(alias = $alias)]
            pub fn attach(&self, program: &impl ProgramOf<$kind>) -> Result<Link> {
                self.0.attach(program.program()?)
            }
        }

        impl AttachPoint for $builder {
            type Kind = $kind;

            fn attach(&self, program: &impl ProgramOf<$kind>) -> Result<Link> {
                self.attach(program)
            }
        }
    };
}

pub(super) use probe_options;
