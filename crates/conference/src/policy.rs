//! Whom the operator lets take part at all: lists of members and homeservers.
//!
//! What a room's own members and moderators decide never lives here.

use alloc::string::String;
use alloc::vec::Vec;

use crate::id::MemberId;

/// Whose calls and invitations are taken. Members are compared whole (`@name:server`); a pattern may hold `*` (any text) and
/// `?` (any one character), so `*:example.org` is everyone of a homeserver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Who may take part; empty: everyone.
    pub allow: Vec<Pattern>,
    /// Who may not, though `allow` says so.
    pub deny: Vec<Pattern>,
}

impl Policy {
    /// Whether a member may take part.
    #[must_use]
    pub fn allows(&self, member: &MemberId) -> bool {
        let fits = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.fits(member.as_str()));
        (self.allow.is_empty() || fits(&self.allow)) && !fits(&self.deny)
    }
}

/// A text in which `*` stands for any text and `?` for any one character, as in Matrix server access lists
/// (<https://spec.matrix.org/v1.15/appendices/#glob-style-matching>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether a text fits. Linear in practice, and at worst the product of the two lengths.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_str(), text);
        // Where to go on when what follows the last `*` does not fit: the `*` takes one character more.
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let (mut wanted, mut found) = (pattern.chars(), rest.chars());
            match (wanted.next(), found.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    pattern = wanted.as_str();
                    retry = Some((pattern, rest));
                }
                (Some(one), Some(other)) if one == '?' || one == other => {
                    (pattern, rest) = (wanted.as_str(), found.as_str());
                }
                _ => {
                    let Some((after_star, from)) = retry else { return false };
                    let mut from = from.chars();
                    if from.next().is_none() {
                        return false;
                    }
                    (pattern, rest) = (after_star, from.as_str());
                    retry = Some((pattern, rest));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, text, fits) in [
            ("*:example.org", "@anna:example.org", true),
            ("*:example.org", "@anna:example.org:8448", false),
            ("*:example.org", "@anna:sub.example.org", false),
            ("@a?na:*", "@anna:x", true),
            ("@a?na:*", "@ana:x", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**a", "bba", true),
            ("ü?", "üö", true),
            ("?", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern:?} and {text:?}");
        }
    }

    #[test]
    fn who_is_denied_is_not_let_in_by_being_allowed() {
        let list = |texts: &[&str]| texts.iter().map(|text| Pattern::new(*text)).collect::<Vec<_>>();
        let policy = Policy { allow: list(&["*:good.org"]), deny: list(&["@eve:*"]) };
        assert!(policy.allows(&"@anna:good.org".into()));
        assert!(!policy.allows(&"@eve:good.org".into()));
        assert!(!policy.allows(&"@anna:other.org".into()));
        assert!(Policy::default().allows(&"@anyone:anywhere".into()));
    }
}
