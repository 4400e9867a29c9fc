//! Tokens, kept out of logs and compared without telling by time how much of a guess was right.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

/// A token that is shared with the homeserver.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// A new token of 256 random bits, in hexadecimal.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(data_encoding::HEXLOWER.encode(&bytes).into()))
    }

    /// The token, to be sent or written to a registration.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `guess` is the token; takes the same time for all guesses of the token's length.
    #[must_use]
    pub fn matches(&self, guess: &str) -> bool {
        self.0.as_bytes().ct_eq(guess.as_bytes()).into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_itself_only_and_is_not_printed() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches("hunter2"));
        for guess in ["hunter3", "hunter", "hunter22", ""] {
            assert!(!secret.matches(guess), "{guess}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn random_ones_differ() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.expose().len(), 64);
        assert!(!one.matches(other.expose()));
    }
}
