//! Secrets of the configuration, which must not reach a log.
//!
//! Making new ones never lives here: see `registration`.

use std::fmt;

use serde::Deserialize;

/// A token. Printing it shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is what examples have in place of a secret: nothing, or `CHANGE_ME` in some spelling.
    pub(crate) fn is_placeholder(&self) -> bool {
        let letters: String = self.0.chars().filter(char::is_ascii_alphanumeric).collect();
        letters.is_empty() || letters.eq_ignore_ascii_case("changeme")
    }

    /// Whether it can be sent in an HTTP header as it is (RFC 6750 section 2.1, `b64token`, and a little more).
    pub(crate) fn is_sendable(&self) -> bool {
        self.0.chars().all(|c| c.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_no_secrets() {
        for text in ["", "  ", "CHANGE_ME", "change-me", "<changeme>", "----"] {
            assert!(Secret::new(text).is_placeholder(), "{text:?}");
        }
        assert!(!Secret::new("u7Gk2Q").is_placeholder());
    }

    #[test]
    fn printing_tells_nothing() {
        assert_eq!(format!("{:?}", Secret::new("u7Gk2Q")), "Secret");
    }
}
