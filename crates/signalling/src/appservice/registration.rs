//! The registration file: what a homeserver's operator gives to the homeserver.
//!
//! <https://spec.matrix.org/v1.15/application-service-api/#registration>. Reading one never lives here: it is the homeserver's.

use std::fmt::Write;

use crate::focus_id::FocusIdScheme;
use crate::secret::Secret;

/// What the file begins with.
const HEADER: &str = "\
# Registration of the conference focus. The homeserver reads it: for Synapse, name this file in
# app_service_config_files of homeserver.yaml and restart. It holds secrets.
";
/// Calls come in bursts, and an answer that waits for a rate limit rings out.
const RATE_LIMITED: &str = "\
# The focus speaks for all its conferences; limits made for one person would drop calls.
rate_limited: false
";

/// Under its own name (specification 1.17) and the one that Synapse reads.
const DEVICES: &str = "\
# The focus makes a device for each of its users (MSC4190); with it the homeserver remembers what was sent over its own restart.
device_management: true
io.element.msc4190: true
";

/// A registration, from which the file is written.
#[derive(Clone, Debug)]
pub struct Registration<'a> {
    /// The id of the application service, unique on its homeserver, without `|` (Synapse's own separator).
    pub id: &'a str,
    /// Where the homeserver reaches us; `None` if it never shall.
    pub url: Option<&'a str>,
    /// The token by which the homeserver knows us.
    pub as_token: &'a Secret,
    /// The token by which we know the homeserver.
    pub hs_token: &'a Secret,
    /// The localpart of the application service's own user, which nobody else shall register.
    pub sender_localpart: &'a str,
    /// Whose users are ours.
    pub scheme: &'a FocusIdScheme,
}

/// Why a registration would be of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The id is empty or holds a `|`, which Synapse refuses.
    #[error("the id of an application service must not be empty and may not hold a |")]
    InvalidId,
    /// A token is empty, which anybody could guess.
    #[error("the {which} is empty")]
    EmptyToken {
        /// `as_token` or `hs_token`.
        which: &'static str,
    },
}

impl Registration<'_> {
    /// The file's text, in YAML.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] if a homeserver would refuse it or anybody could use it.
    pub fn to_yaml(&self) -> Result<String, RegistrationError> {
        if self.id.is_empty() || self.id.contains('|') {
            return Err(RegistrationError::InvalidId);
        }
        for (which, token) in [("as_token", self.as_token), ("hs_token", self.hs_token)] {
            if token.is_empty() {
                return Err(RegistrationError::EmptyToken { which });
            }
        }
        let mut yaml = String::from(HEADER);
        let mut line = |key: &str, value: &str| {
            yaml.push_str(key);
            yaml.push_str(": ");
            yaml.push_str(value);
            yaml.push('\n');
        };
        line("id", &quoted(self.id));
        line("url", &self.url.map_or_else(|| "null".to_owned(), quoted));
        line("as_token", &quoted(self.as_token.expose()));
        line("hs_token", &quoted(self.hs_token.expose()));
        line("sender_localpart", &quoted(self.sender_localpart));
        yaml.push_str(RATE_LIMITED);
        yaml.push_str(DEVICES);
        yaml.push_str("namespaces:\n  users:\n");
        let bot = self.scheme.user_regex(self.sender_localpart);
        for regex in self.scheme.namespace_regexes().into_iter().chain([bot]) {
            yaml.push_str("    - exclusive: true\n      regex: ");
            yaml.push_str(&quoted(&regex));
            yaml.push('\n');
        }
        yaml.push_str("  aliases: []\n  rooms: []\n");
        Ok(yaml)
    }
}

/// A double-quoted YAML scalar (YAML 1.2 section 7.3.1), printable ASCII throughout.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            // Writing to a String does not fail.
            _ => drop(write!(quoted, "\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruma_common::owned_server_name;

    fn registration<'a>(scheme: &'a FocusIdScheme, token: &'a Secret) -> Registration<'a> {
        Registration {
            id: "confocal",
            url: Some("http://127.0.0.1:8090"),
            as_token: token,
            hs_token: token,
            sender_localpart: "conference",
            scheme,
        }
    }

    #[test]
    fn is_written_whole() {
        let scheme = FocusIdScheme::new(["conf_", "fs_"], owned_server_name!("hs.test")).unwrap();
        let token = Secret::new("s3cret");
        assert_eq!(
            registration(&scheme, &token).to_yaml().unwrap(),
            r#"# Registration of the conference focus. The homeserver reads it: for Synapse, name this file in
# app_service_config_files of homeserver.yaml and restart. It holds secrets.
id: "confocal"
url: "http://127.0.0.1:8090"
as_token: "s3cret"
hs_token: "s3cret"
sender_localpart: "conference"
# The focus speaks for all its conferences; limits made for one person would drop calls.
rate_limited: false
# The focus makes a device for each of its users (MSC4190); with it the homeserver remembers what was sent over its own restart.
device_management: true
io.element.msc4190: true
namespaces:
  users:
    - exclusive: true
      regex: "@conf_.*:hs\\.test$"
    - exclusive: true
      regex: "@fs_.*:hs\\.test$"
    - exclusive: true
      regex: "@conference:hs\\.test$"
  aliases: []
  rooms: []
"#
        );
    }

    #[test]
    fn no_url_is_null() {
        let scheme = FocusIdScheme::new(["conf_"], owned_server_name!("hs.test")).unwrap();
        let token = Secret::new("s3cret");
        let yaml = Registration { url: None, ..registration(&scheme, &token) }.to_yaml().unwrap();
        assert!(yaml.contains("\nurl: null\n"), "{yaml}");
    }

    #[test]
    fn quotes_what_yaml_would_read_otherwise() {
        assert_eq!(quoted("a\"b\\c\n: #é🎉"), r#""a\"b\\c\U0000000A: #\U000000E9\U0001F389""#);
    }

    #[test]
    fn refuses_what_a_homeserver_would() {
        let scheme = FocusIdScheme::new(["conf_"], owned_server_name!("hs.test")).unwrap();
        let (token, empty) = (Secret::new("s3cret"), Secret::new(""));
        for id in ["", "a|b"] {
            let registration = Registration { id, ..registration(&scheme, &token) };
            assert_eq!(registration.to_yaml(), Err(RegistrationError::InvalidId));
        }
        let registration = Registration { hs_token: &empty, ..registration(&scheme, &token) };
        assert_eq!(registration.to_yaml(), Err(RegistrationError::EmptyToken { which: "hs_token" }));
    }
}
