//! What a participant is called in pictures: a display name cut to what a label can hold.
//!
//! How it is drawn never lives here, nor the names of focus users (`names.rs`).

use alloc::string::String;

use crate::id::MemberId;

/// The longest label, in characters.
const LONGEST: usize = 64;

/// The label of a member: the display name, without what is no visible text; the local part of the id where there is none.
pub(crate) fn label(display_name: Option<&str>, member: &MemberId) -> String {
    let shown = display_name.map(plain).filter(|name| !name.is_empty());
    shown.unwrap_or_else(|| plain(member.local_part()))
}

fn plain(text: &str) -> String {
    let visible = text.chars().filter(|letter| !letter.is_control() && !is_direction(*letter));
    let short: String = visible.skip_while(|letter| letter.is_whitespace()).take(LONGEST).collect();
    short.trim_end().into()
}

/// Marks that turn the direction of what follows, or break its line: with them one name could be made to look like another.
const fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_display_name_or_else_the_local_part() {
        let anna = "@anna.b:example.org".into();
        assert_eq!(label(Some("Anna B"), &anna), "Anna B");
        assert_eq!(label(None, &anna), "anna.b");
        assert_eq!(label(Some(" \u{7}\n "), &anna), "anna.b", "a name of nothing is none");
        assert_eq!(label(None, &"someone".into()), "someone");
    }

    #[test]
    fn a_label_has_no_control_characters_and_sixty_four_characters_at_most() {
        let anna = "@anna:example.org".into();
        assert_eq!(label(Some(" An\u{0}na\r\n\u{202e}B\u{9f} "), &anna), "AnnaB");
        let long: String = "ä".repeat(100);
        assert_eq!(label(Some(&long), &anna), "ä".repeat(64));
    }
}
