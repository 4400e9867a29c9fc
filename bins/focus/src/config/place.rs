//! Where in the file a key or a fault stands.
//!
//! What a key means never lives here.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A line and a column of the file, both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The place of a byte offset; the end if it is beyond.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before: String = text.char_indices().take_while(|(at, _)| *at < offset).map(|(_, c)| c).collect();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            // The slice begins just after a line feed, which is a character boundary.
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The byte offset of a section's key, or of one element of its list; of the section if it lacks the key; of the beginning if
/// there is no such section.
pub(crate) fn offset_of(text: &str, section: &str, name: &str, index: Option<usize>) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let Some(section) = document.get_ref().get(section) else { return 0 };
    let Some(value) = section.get_ref().get(name) else { return section.span().start };
    let element = index.and_then(|index| value.get_ref().get(index));
    element.unwrap_or(value).span().start
}

/// The dotted name of the key at a byte offset, or of the innermost one around it.
pub(crate) fn key_at(text: &str, offset: usize) -> Option<String> {
    let document = DeTable::parse(text).ok()?;
    let mut path: Vec<&str> = Vec::new();
    descend(document.get_ref(), offset, &mut path);
    (!path.is_empty()).then(|| path.join("."))
}

fn descend<'t>(table: &'t DeTable<'_>, offset: usize, path: &mut Vec<&'t str>) {
    // The span of a `[section]` is that of its header, so the keys in it have to be asked as well.
    for (name, value) in table {
        path.push(name.get_ref());
        let depth = path.len();
        if let DeValue::Table(inner) = value.get_ref() {
            descend(inner, offset, path);
        }
        if path.len() > depth || holds(name, offset) || holds(value, offset) {
            return;
        }
        path.pop();
    }
}

fn holds<T>(part: &Spanned<T>, offset: usize) -> bool {
    part.span().contains(&offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# é\n[homeserver]\nurl = \"x\"\n\n[conference]\nstay = [\n  \"a\",\n  \"é\", \"b\",\n]\n";

    fn place(section: &str, name: &str, index: Option<usize>) -> (usize, usize) {
        let Place { line, column } = Place::of(TEXT, offset_of(TEXT, section, name, index));
        (line, column)
    }

    #[test]
    fn keys_are_found_where_they_stand() {
        assert_eq!(place("homeserver", "url", None), (3, 7));
        assert_eq!(place("conference", "stay", Some(0)), (7, 3));
        assert_eq!(place("conference", "stay", Some(2)), (8, 8));
        assert_eq!(place("conference", "absent", None).0, 5);
        assert_eq!(place("absent", "absent", None), (1, 1));
    }

    #[test]
    fn places_are_named_by_their_keys() {
        let name = |needle: &str| key_at(TEXT, TEXT.find(needle).unwrap());
        assert_eq!(name("url").as_deref(), Some("homeserver.url"));
        assert_eq!(name("\"x\"").as_deref(), Some("homeserver.url"));
        assert_eq!(name("\"b\"").as_deref(), Some("conference.stay"));
        assert_eq!(name("# é"), None);
    }

    #[test]
    fn an_offset_beyond_the_text_is_its_end() {
        assert_eq!(Place::of("a\nb", 99), Place { line: 2, column: 2 });
        assert_eq!(Place::of("", 0), Place { line: 1, column: 1 });
    }
}
