//! Who may come in: a file of users with salted hashes, or one shared token.
//!
//! A line of the file is `user:pbkdf2-sha256$iterations$salt$hash` (base64), as [`hash_password`] writes it. The key is
//! derived with PBKDF2-HMAC-SHA256, 32 bytes, 600,000 iterations (the number OWASP names for it).

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::pbkdf2;
use rsql_common::{Error, Result};

const ALGORITHM: &str = "pbkdf2-sha256";
const ITERATIONS: u32 = 600_000;
const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// Fewer than this were not written by us.
const MIN_TOKEN_CHARS: usize = 16;

/// Those who may come in.
#[derive(Default)]
pub struct Credentials {
    users: HashMap<String, Hashed>,
    token: Option<String>,
}

struct Hashed {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("users", &self.users.len())
            .field("token", &self.token.is_some())
            .finish()
    }
}

impl Credentials {
    /// Adds the users of a file.
    pub fn with_users_file(mut self, path: &Path) -> Result<Self> {
        let text = rsql_common::read_text(path)?;
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (user, hashed) = parse(line).ok_or_else(|| {
                usage(format!(
                    "line {} of {} is not user:{ALGORITHM}$iterations$salt$hash",
                    i + 1,
                    path.display()
                ))
            })?;
            self.users.insert(user.to_string(), hashed);
        }
        Ok(self)
    }

    /// Adds the shared token a file holds.
    pub fn with_token_file(self, path: &Path) -> Result<Self> {
        self.with_token(rsql_common::read_text(path)?.trim())
    }

    /// Adds a shared token.
    pub fn with_token(mut self, token: &str) -> Result<Self> {
        if token.len() < MIN_TOKEN_CHARS {
            return Err(usage(format!("a token has at least {MIN_TOKEN_CHARS} characters")));
        }
        self.token = Some(token.to_string());
        Ok(self)
    }

    /// True if nobody is named.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.token.is_none()
    }

    /// Takes as long as a right password for users that do not exist. Slow by purpose: not for an async thread.
    pub(crate) fn check_password(&self, user: &str, password: &str) -> bool {
        match self.users.get(user) {
            Some(known) => derive_matches(known, password),
            None => {
                if let Some(iterations) = NonZeroU32::new(ITERATIONS) {
                    let nobody = Hashed {
                        iterations,
                        salt: vec![0; SALT_BYTES],
                        key: vec![0; KEY_BYTES],
                    };
                    _ = derive_matches(&nobody, password);
                }
                false
            }
        }
    }

    /// Compares hashes, so that the time taken says nothing of the token.
    pub(crate) fn check_token(&self, token: &str) -> bool {
        use sha2::{Digest, Sha256};
        self.token
            .as_ref()
            .is_some_and(|known| Sha256::digest(known.as_bytes()) == Sha256::digest(token.as_bytes()))
    }
}

/// A line for the users' file.
pub fn hash_password(user: &str, password: &str) -> Result<String> {
    if user.is_empty() || user.contains([':', '\n', '#']) {
        return Err(usage(
            "a user's name is not empty and has no ':', '#' or line break".into(),
        ));
    }
    let mut salt = [0_u8; SALT_BYTES];
    rand::Rng::fill(&mut rand::rng(), &mut salt);
    let iterations = NonZeroU32::new(ITERATIONS).ok_or_else(|| Error::internal("no iterations"))?;
    let mut key = [0_u8; KEY_BYTES];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        &salt,
        password.as_bytes(),
        &mut key,
    );
    Ok(format!(
        "{user}:{ALGORITHM}${ITERATIONS}${}${}",
        BASE64_STANDARD.encode(salt),
        BASE64_STANDARD.encode(key)
    ))
}

fn derive_matches(known: &Hashed, password: &str) -> bool {
    pbkdf2::verify(
        pbkdf2::PBKDF2_HMAC_SHA256,
        known.iterations,
        &known.salt,
        password.as_bytes(),
        &known.key,
    )
    .is_ok()
}

fn parse(line: &str) -> Option<(&str, Hashed)> {
    let (user, hash) = line.split_once(':')?;
    let mut parts = hash.split('$');
    if parts.next()? != ALGORITHM {
        return None;
    }
    let hashed = Hashed {
        iterations: parts.next()?.parse().ok()?,
        salt: BASE64_STANDARD.decode(parts.next()?).ok()?,
        key: BASE64_STANDARD.decode(parts.next()?).ok()?,
    };
    (hashed.key.len() == KEY_BYTES && parts.next().is_none()).then_some((user, hashed))
}

fn usage(message: String) -> Error {
    Error::usage(format!("Credentials: {message}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_checked_against_their_hash() {
        let line = hash_password("ada", "lovelace").unwrap();
        assert!(!line.contains("lovelace"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        std::fs::write(&file, format!("# users\n{line}\n")).unwrap();
        let c = Credentials::default().with_users_file(&file).unwrap();
        assert!(c.check_password("ada", "lovelace"));
        assert!(!c.check_password("ada", "Lovelace"));
        assert!(!c.check_password("eve", "lovelace"));
        assert!(!format!("{c:?}").contains("ada"));
    }

    #[test]
    fn malformed_lines_and_short_tokens_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        for line in ["ada:secret", "ada", "ada:pbkdf2-sha256$0$AA==$AA=="] {
            std::fs::write(&file, line).unwrap();
            let e = Credentials::default().with_users_file(&file).unwrap_err();
            assert!(
                e.to_string().contains("line 1") && !e.to_string().contains("secret"),
                "{e}"
            );
        }
        assert!(Credentials::default().with_token("short").is_err());
        let c = Credentials::default().with_token("0123456789abcdef").unwrap();
        assert!(c.check_token("0123456789abcdef") && !c.check_token("0123456789abcdeg"));
    }
}
