//! From a file and the environment to a configuration that can be used, or to faults with their places.
//!
//! Which values are refused never lives here: see `check`.

use std::env::VarError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use confocal_media::OwnSounds;

use super::place::{self, Place};
use super::{Config, Fault, Secret, check};

/// Variables that replace secrets of the file, so that it can be shown around.
const OVERRIDES: [(&str, Field); 3] = [
    ("CONFOCAL_AS_TOKEN", |config| ("appservice", "as_token", &mut config.appservice.as_token)),
    ("CONFOCAL_HS_TOKEN", |config| ("appservice", "hs_token", &mut config.appservice.hs_token)),
    ("CONFOCAL_STATUS_TOKEN", |config| ("status", "token", &mut config.status.token)),
];

/// A secret's section, name and value.
type Field = fn(&mut Config) -> (&'static str, &'static str, &mut Secret);

/// Why there is no usable configuration. Each message names the file, and line, column and key where there are such.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// The file can't be read.
    #[error("{}: can't be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is not TOML, has an unknown key, or a value of the wrong type.
    #[error("{}:{}:{}: {}{}", path.display(), place.line, place.column, Prefix(key.as_deref()), fault.message())]
    Parse {
        path: PathBuf,
        place: Place,
        /// The key, if it can be told.
        key: Option<String>,
        // Not named `source`: its words are in the message already, and once is enough.
        fault: Box<toml::de::Error>,
    },
    /// A variable is not Unicode.
    #[error("the environment variable {variable} is not Unicode")]
    Variable { variable: &'static str },
    /// Values that are refused, all of them, a line each.
    #[error("{}", Lines(faults))]
    Refused { faults: Vec<Located> },
}

/// A refused value and where it comes from.
#[derive(Debug)]
pub(crate) struct Located {
    origin: Origin,
    fault: Fault,
}

#[derive(Debug)]
enum Origin {
    File { path: PathBuf, place: Place },
    Variable(&'static str),
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, place } => {
                write!(f, "{}:{}:{}: ", path.display(), place.line, place.column)?;
            }
            Origin::Variable(name) => write!(f, "environment variable {name}: ")?,
        }
        write!(f, "{}: {}", self.fault.key, self.fault.problem)
    }
}

struct Lines<'a>(&'a [Located]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, located) in self.0.iter().enumerate() {
            write!(f, "{}{located}", if n == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

struct Prefix<'a>(Option<&'a str>);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |key| write!(f, "{key}: "))
    }
}

/// Reads and checks the configuration in `path`, and reads the sounds that it names. `variable` is how a variable of the environment is
/// read: [`std::env::var`], except in tests.
pub(crate) fn load(
    path: &Path,
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<(Config, OwnSounds), LoadError> {
    let text =
        fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let mut config = parse(path, &text)?;

    let mut replaced = Vec::new();
    for (name, field) in OVERRIDES {
        match variable(name) {
            Ok(value) => {
                let (section, key, secret) = field(&mut config);
                *secret = Secret::new(value);
                replaced.push((name, section, key));
            }
            Err(VarError::NotPresent) => (),
            Err(VarError::NotUnicode(_)) => return Err(LoadError::Variable { variable: name }),
        }
    }

    let mut faults = check(&config);
    let sounds = config.sounds.read().unwrap_or_else(|unplayable| {
        faults.extend(unplayable);
        OwnSounds::default()
    });
    if faults.is_empty() {
        return Ok((config, sounds));
    }
    let locate = |fault: Fault| {
        let key = fault.key;
        let by_variable =
            replaced.iter().find(|(_, section, name)| (*section, *name) == (key.section, key.name));
        let origin = match by_variable {
            Some((variable, ..)) => Origin::Variable(variable),
            None => {
                let offset = place::offset_of(&text, key.section, key.name, key.index);
                Origin::File { path: path.to_owned(), place: Place::of(&text, offset) }
            }
        };
        Located { origin, fault }
    };
    Err(LoadError::Refused { faults: faults.into_iter().map(locate).collect() })
}

fn parse(path: &Path, text: &str) -> Result<Config, LoadError> {
    toml::from_str(text).map_err(|fault| {
        let offset = fault.span().map_or(0, |span| span.start);
        LoadError::Parse {
            path: path.to_owned(),
            place: Place::of(text, offset),
            key: place::key_at(text, offset),
            fault: Box::new(fault),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[homeserver]
server_name = "example.org"
[appservice]
as_token = "a1"
hs_token = "h1"
"#;

    fn no_variables(_: &str) -> Result<String, VarError> {
        Err(VarError::NotPresent)
    }

    #[expect(clippy::unwrap_in_result, reason = "the unwraps are the test's, the result is what it tests")]
    fn load_text(text: &str, variable: impl Fn(&str) -> Result<String, VarError>) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("focus.toml");
        fs::write(&path, text).unwrap();
        let loaded = load(&path, variable).map(|(config, _)| config);
        loaded.map_err(|fault| fault.to_string().replace(dir.path().to_str().unwrap(), "DIR"))
    }

    fn refusal(text: &str) -> String {
        load_text(text, no_variables).unwrap_err()
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let config = load_text(GOOD, no_variables).unwrap();
        let mut expected = Config::default();
        expected.homeserver.server_name = "example.org".to_owned();
        expected.appservice.as_token = Secret::new("a1");
        expected.appservice.hs_token = Secret::new("h1");
        assert_eq!(config, expected);
    }

    #[test]
    fn an_unknown_key_is_refused_by_place_and_name() {
        let fault = refusal(&GOOD.replace("as_token", "as_tokken"));
        assert!(
            fault.starts_with("DIR/focus.toml:5:1: appservice.as_tokken: unknown field `as_tokken`"),
            "{fault}"
        );
        assert!(fault.contains("`as_token`"), "the right names are told: {fault}");
    }

    #[test]
    fn an_unknown_section_is_refused_by_place_and_name() {
        let fault = refusal(&format!("{GOOD}[conferences]\n"));
        assert!(fault.starts_with("DIR/focus.toml:7:2: conferences: unknown field `conferences`"), "{fault}");
    }

    #[test]
    fn a_wrong_type_is_refused_by_place_and_name() {
        let fault = refusal(&format!("{GOOD}[conference]\nlinger_seconds = \"long\"\n"));
        assert!(fault.starts_with("DIR/focus.toml:8:18: conference.linger_seconds: invalid type"), "{fault}");
        let fault = refusal(&format!("{GOOD}[media]\nlisten = [\"0.0.0.0\", \"here\"]\n"));
        assert!(fault.starts_with("DIR/focus.toml:8:22: media.listen: "), "{fault}");
        let fault = refusal(&format!("{GOOD}[log]\nformat = \"xml\"\n"));
        assert!(fault.contains(":8:10: log.format: unknown variant `xml`"), "{fault}");
    }

    #[test]
    fn what_is_no_toml_is_refused_by_place() {
        let fault = refusal("[homeserver]\nurl = \n");
        assert!(fault.starts_with("DIR/focus.toml:2:"), "{fault}");
    }

    #[test]
    fn all_refused_values_are_told_each_with_its_place() {
        let text = GOOD.replace("\"a1\"", "\"CHANGE_ME\"").replace("hs_token = \"h1\"", "");
        let fault = refusal(&text);
        let lines: Vec<_> = fault.lines().collect();
        assert_eq!(lines.len(), 2, "{fault}");
        assert!(
            lines[0].starts_with("DIR/focus.toml:5:12: appservice.as_token: no secret is set"),
            "{fault}"
        );
        assert!(lines[1].starts_with("DIR/focus.toml:4:1: appservice.hs_token: no secret is set"), "{fault}");
        assert!(!fault.contains("CHANGE_ME"), "not even a wrong secret is shown");
    }

    #[test]
    fn a_sound_that_cannot_be_read_is_refused_by_place_and_name_beside_other_faults() {
        let text = GOOD.replace("\"a1\"", "\"CHANGE_ME\"");
        let fault = refusal(&format!("{text}[sounds]\nmusic = \"/nowhere/music.ogg\"\n"));
        let lines: Vec<_> = fault.lines().collect();
        assert_eq!(lines.len(), 2, "{fault}");
        assert!(
            lines[1].starts_with("DIR/focus.toml:8:9: sounds.music: /nowhere/music.ogg: can't be read"),
            "{fault}"
        );
    }

    #[test]
    fn variables_replace_secrets() {
        let text = GOOD.replace("\"a1\"", "\"CHANGE_ME\"").replace("\"h1\"", "\"\"");
        let variable = |name: &str| match name {
            "CONFOCAL_AS_TOKEN" => Ok("a2".to_owned()),
            "CONFOCAL_HS_TOKEN" => Ok("h2".to_owned()),
            "CONFOCAL_STATUS_TOKEN" => Ok("s2".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        let config = load_text(&text, variable).unwrap();
        assert_eq!(config.appservice.as_token.expose(), "a2");
        assert_eq!(config.appservice.hs_token.expose(), "h2");
        assert_eq!(config.status.token.expose(), "s2");
    }

    #[test]
    fn a_bad_variable_is_named_instead_of_the_file() {
        let empty = |name: &str| match name {
            "CONFOCAL_HS_TOKEN" => Ok(String::new()),
            _ => Err(VarError::NotPresent),
        };
        let fault = load_text(GOOD, empty).unwrap_err();
        assert!(
            fault.starts_with("environment variable CONFOCAL_HS_TOKEN: appservice.hs_token: "),
            "{fault}"
        );

        let not_unicode = |_: &str| Err(VarError::NotUnicode("x".into()));
        let fault = load_text(GOOD, not_unicode).unwrap_err();
        assert_eq!(fault, "the environment variable CONFOCAL_AS_TOKEN is not Unicode");
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = load(Path::new("/nowhere/focus.toml"), no_variables).unwrap_err();
        assert_eq!(fault.to_string(), "/nowhere/focus.toml: can't be read");
    }
}
