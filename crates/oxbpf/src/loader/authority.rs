//! On whose permission a load calls the kernel: its own, or that of a token.

use std::env;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::error::{ErrorKind, Result};
use crate::token::Token;

/// Names the BPF file system to make a token of, where the caller does not. Empty: none. As libbpf has it.
const VARIABLE: &str = "LIBBPF_BPF_TOKEN_PATH";
/// Where a token is made of silently, if there is one to be had and it is needed.
const DEFAULT: &str = "/sys/fs/bpf";

/// Which token a load is to use.
#[derive(Clone, Debug, Default)]
pub(super) enum TokenSource {
    /// What the environment says, or the default.
    #[default]
    Environment,
    /// A new one of this BPF file system; none at all if the path is empty.
    Path(PathBuf),
    Given(Token),
}

/// The token of a load, once it is known whether there is one.
#[derive(Debug, Default)]
pub(super) struct Authority(OnceLock<Option<Token>>);

impl Authority {
    /// # Errors
    ///
    /// Where there is no token, but somebody asked for one.
    pub(super) fn new(source: &TokenSource) -> Result<Self> {
        let path = match source {
            TokenSource::Given(token) => return Ok(Self::of(Some(token.clone()))),
            TokenSource::Path(path) => path.clone(),
            TokenSource::Environment => match env::var_os(VARIABLE) {
                Some(path) => path.into(),
                // Only once something is denied.
                None => return Ok(Self::default()),
            },
        };
        match path.as_os_str().is_empty() {
            true => Ok(Self::of(None)),
            false => Ok(Self::of(Some(Token::create(path)?))),
        }
    }

    fn of(token: Option<Token>) -> Self {
        Self(OnceLock::from(token))
    }

    /// Makes a call; if it is denied and nobody said anything about tokens, once more with one from the default place.
    pub(super) fn call<T>(&self, call: impl Fn(Option<BorrowedFd<'_>>) -> Result<T>) -> Result<T> {
        let token = match self.0.get() {
            Some(token) => token,
            None => match call(None) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    let token = self.0.get_or_init(|| Token::create(DEFAULT).ok());
                    if token.is_none() {
                        return Err(error);
                    }
                    token
                }
                answer => return answer,
            },
        };
        call(token.as_ref().map(AsFd::as_fd)).map_err(|error| {
            match error.kind() == ErrorKind::PermissionDenied && token.is_some() {
                true => error.with_remedy(
                    "see what the BPF file system that the token is from delegates: it is among its mount options",
                ),
                false => error,
            }
        })
    }
}
