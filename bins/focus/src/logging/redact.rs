//! What is hidden in a line of the log: Matrix user ids and IP addresses.
//!
//! It works on finished lines, so that no crate whose words end up in the log has to know of it. A user is hidden by the same
//! made-up name until the process ends: one caller can be followed through the log, and nobody recognised in it.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A user id, also as part of a URL. Localparts of old users may hold nearly anything; what ends a word in text, JSON and
/// Debug output ends one here.
static USER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i)(?:@|%40)([^\s:@"'<>(),;\\]+?)(?::|%3A)((?:[a-z0-9.-]*[a-z0-9]|\[[0-9a-f:.]+\])(?::\d{1,5}\b)?)"#;
    Regex::new(pattern).expect("a constant, compiled by the tests")
});

/// What could be an address; whether it is, its parser decides.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}";
    Regex::new(pattern).expect("a constant, compiled by the tests")
});

/// Hides people and addresses.
pub(super) struct Redactor {
    focus_prefixes: Vec<String>,
    /// Random, and gone with the process: names can't be guessed from it later.
    key: RandomState,
}

impl Redactor {
    /// One that shows focus users: they are no people, and their ids tell which room a line is about.
    pub(super) fn new(focus_prefixes: &[String]) -> Self {
        Self { focus_prefixes: focus_prefixes.to_vec(), key: RandomState::new() }
    }

    /// The line as it may be shown.
    pub(super) fn redact<'a>(&self, line: &'a str) -> Cow<'a, str> {
        // Users first: a server's name may be an address.
        match USER.replace_all(line, |found: &Captures<'_>| self.user(found)) {
            Cow::Borrowed(line) => addresses(line),
            Cow::Owned(line) => Cow::Owned(addresses(&line).into_owned()),
        }
    }

    fn user(&self, found: &Captures<'_>) -> String {
        let (localpart, server) = (&found[1], &found[2]);
        if self.focus_prefixes.iter().any(|prefix| localpart.starts_with(&**prefix)) {
            return found[0].to_owned();
        }
        // 32 bits: enough to tell the callers of a day apart, and short in a line.
        let name = self.key.hash_one((localpart, server)) & 0xffff_ffff;
        format!("@user-{name:08x}")
    }
}

fn addresses(line: &str) -> Cow<'_, str> {
    ADDRESS.replace_all(line, |found: &Captures<'_>| {
        let Some(found) = found.get(0) else { return String::new() };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let cut_off = line[..found.start()].ends_with(is_word) || line[found.end()..].starts_with(is_word);
        match found.as_str().parse::<IpAddr>() {
            // Nobody's in particular, and of use in a log.
            Ok(address) if address.is_loopback() || address.is_unspecified() => found.as_str().to_owned(),
            Ok(_) if !cut_off => "[address]".to_owned(),
            _ => found.as_str().to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&["conf_".to_owned()])
    }

    #[test]
    fn people_are_hidden_wherever_they_stand() {
        let redactor = redactor();
        for line in [
            "call from @alice:example.org",
            "member=@alice:example.org room=!r:example.org",
            r#"{"member":"@alice:example.org","n":1}"#,
            r#"MemberId("@alice:example.org")"#,
            "@alice:example.org: hello",
            "GET https://hs/_matrix/client/v3/profile/@alice:example.org",
            "GET https://hs/_matrix/client/v3/profile/%40alice%3Aexample.org/displayname",
            "@alice:example.org:8448",
            "@alice:[2001:db8::1]:8448",
            "@alice:203.0.113.7",
            "@Alice!=x/y+z:example.org",
            "\x1b[3mmember\x1b[0m\x1b[2m=\x1b[0m@alice:example.org\n",
        ] {
            let shown = redactor.redact(line);
            assert!(!shown.to_lowercase().contains("alice"), "{line} -> {shown}");
            assert!(shown.contains("@user-"), "{line} -> {shown}");
        }
        assert!(
            redactor.redact("room=!r:example.org of @a:b.org").starts_with("room=!r:example.org of @user-")
        );
    }

    #[test]
    fn one_person_is_one_name_and_two_are_two() {
        let redactor = redactor();
        let alice = redactor.redact("@alice:example.org").into_owned();
        assert_eq!(redactor.redact("@alice:example.org, again"), format!("{alice}, again"));
        assert_eq!(redactor.redact("%40alice%3Aexample.org"), alice);
        assert_ne!(redactor.redact("@alice:example.com"), alice);
        assert_ne!(redactor.redact("@bob:example.org"), alice);
        assert_ne!(
            Redactor::new(&[]).redact("@alice:example.org"),
            alice,
            "the next process names them anew"
        );
    }

    #[test]
    fn focus_users_are_shown() {
        let line = "focus=@conf_ef3q:example.org joined";
        assert_eq!(redactor().redact(line), line);
    }

    #[test]
    fn addresses_are_hidden_with_their_ports_left() {
        let redactor = redactor();
        for (line, expected) in [
            ("from 203.0.113.7:50000", "from [address]:50000"),
            ("from [2001:db8::7]:50000", "from [[address]]:50000"),
            ("candidate:1 1 udp 2 192.168.1.5 9 typ host", "candidate:1 1 udp 2 [address] 9 typ host"),
            ("addr=::ffff:203.0.113.7", "addr=[address]"),
            ("fe80::1,2001:db8:0:0:0:0:0:1", "[address],[address]"),
        ] {
            assert_eq!(redactor.redact(line), expected);
        }
    }

    #[test]
    fn what_is_no_address_is_left() {
        let redactor = redactor();
        for line in [
            "2026-01-02T03:04:05.678901Z  INFO focus::run: listening on 127.0.0.1:29340",
            "confocal::driver: turn done",
            "std::fmt and dead::beefy",
            "0.0.0.0 and :: and ::1",
            "version 1.2.3, 999.999.999.999",
        ] {
            assert_eq!(redactor.redact(line), line);
        }
    }
}
