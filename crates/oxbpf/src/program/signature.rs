//! Signatures of programs.

/// A signature over a program's instructions, and where the kernel is to look for the key that made it. Linux 6.18, with
/// `CONFIG_SYSTEM_DATA_VERIFICATION`.
///
/// Whether programs have to be signed is up to a security module; one that has a signature is loaded only if that is right.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    /// A detached CMS (PKCS #7) signature in DER, over the bytes of the instructions in the byte order of the machine.
    pub bytes: &'a [u8],
    /// The keyring that has the key.
    pub keyring: Keyring,
}

/// A keyring of the kernel: one of the below, or the serial number of another, such as `keyctl` tells.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Keyring(pub i32);

impl Keyring {
    /// The keys built into the kernel.
    pub const BUILTIN: Self = Self(0);
    /// Those, and the ones that they vouch for.
    #[doc(alias = "VERIFY_USE_SECONDARY_KEYRING")]
    pub const SECONDARY: Self = Self(1);
    /// The keys of the machine's firmware.
    #[doc(alias = "VERIFY_USE_PLATFORM_KEYRING")]
    pub const PLATFORM: Self = Self(2);
    /// That of this thread.
    #[doc(alias = "KEY_SPEC_THREAD_KEYRING")]
    pub const THREAD: Self = Self(-1);
    /// That of this process.
    #[doc(alias = "KEY_SPEC_PROCESS_KEYRING")]
    pub const PROCESS: Self = Self(-2);
    /// That of this session.
    #[doc(alias = "KEY_SPEC_SESSION_KEYRING")]
    pub const SESSION: Self = Self(-3);
    /// That of this user.
    #[doc(alias = "KEY_SPEC_USER_KEYRING")]
    pub const USER: Self = Self(-4);
}
