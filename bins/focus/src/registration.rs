//! The first step of an operator: a registration for the homeserver and a configuration for the focus, with fresh secrets.
//!
//! Reading a configuration never lives here, nor does sending anything to a homeserver.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use confocal_signalling::{Registration, Secret as SharedSecret};

use crate::config::{Config, Fault, Secret, check, is_http_url};
use crate::parts;

/// The configuration with all its comments; `{{name}}` is where a TOML string goes.
const TEMPLATE: &str = include_str!("registration/config.toml");

/// What the operator chooses.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    /// The homeserver's name.
    pub(crate) server_name: String,
    /// Where we reach the homeserver.
    pub(crate) homeserver_url: String,
    /// Where we listen for it.
    pub(crate) listen: SocketAddr,
    /// Where the homeserver reaches us; made from `listen` if absent.
    pub(crate) url: Option<String>,
    /// The application service's id.
    pub(crate) id: String,
    /// Localpart of the application service's own user.
    pub(crate) sender_localpart: String,
}

/// The three secrets of an installation.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) appservice: Secret,
    pub(crate) homeserver: Secret,
    pub(crate) status: Secret,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RegistrationError {
    /// A choice that the focus would refuse at its start.
    #[error("{}: {}", fault.key, fault.problem)]
    Choice { fault: Fault },
    /// The URL for the homeserver is none.
    #[error("--url must be an http:// or https:// URL, as the homeserver reaches the focus")]
    Url,
    /// A file is there already; it may hold secrets in use.
    #[error("{} exists already and is not overwritten; move it away or name another file", path.display())]
    Exists { path: PathBuf },
    /// A file can't be written.
    #[error("{} can't be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The system has no random numbers.
    #[error("no random numbers for the tokens")]
    Random(#[source] getrandom::Error),
    /// The template that was built in is broken.
    #[error("the built-in configuration can't be read")]
    Template(#[source] toml::de::Error),
    /// No ids of focus users can be made of the choices.
    #[error("no focus users")]
    Scheme(#[source] anyhow::Error),
    /// A homeserver would refuse the registration.
    #[error(transparent)]
    Registration(#[from] confocal_signalling::RegistrationError),
}

impl Tokens {
    /// Fresh ones, of 256 random bits each.
    pub(crate) fn fresh() -> Result<Self, RegistrationError> {
        Ok(Self { appservice: fresh_token()?, homeserver: fresh_token()?, status: fresh_token()? })
    }
}

fn fresh_token() -> Result<Secret, RegistrationError> {
    Ok(Secret::new(SharedSecret::random().map_err(RegistrationError::Random)?.expose()))
}

/// Writes both files, readable by their owner only, or neither.
pub(crate) fn write(
    choices: &Choices,
    tokens: &Tokens,
    config_path: &Path,
    registration_path: &Path,
) -> Result<(), RegistrationError> {
    let config_text = config_text(choices, tokens);
    let config: Config = toml::from_str(&config_text).map_err(RegistrationError::Template)?;
    if let Some(fault) = check(&config).into_iter().next() {
        return Err(RegistrationError::Choice { fault });
    }
    if choices.url.as_deref().is_some_and(|url| !is_http_url(url)) {
        return Err(RegistrationError::Url);
    }
    let registration_text = registration_text(choices, tokens, &config)?;

    create(config_path, &config_text)?;
    create(registration_path, &registration_text).inspect_err(|_| {
        // Ours, made a moment ago; if it can't be removed, the next try says that it exists.
        let _ = fs::remove_file(config_path);
    })
}

/// The configuration file.
fn config_text(choices: &Choices, tokens: &Tokens) -> String {
    let listen = choices.listen.to_string();
    let values = [
        ("{{homeserver_url}}", &*choices.homeserver_url),
        ("{{server_name}}", &choices.server_name),
        ("{{id}}", &choices.id),
        ("{{listen}}", &listen),
        ("{{as_token}}", tokens.appservice.expose()),
        ("{{hs_token}}", tokens.homeserver.expose()),
        ("{{sender_localpart}}", &choices.sender_localpart),
        ("{{status_token}}", tokens.status.expose()),
    ];
    // Line by line, so that a value which looks like a placeholder stays what it is.
    let mut text = String::with_capacity(TEMPLATE.len() * 2);
    for line in TEMPLATE.lines() {
        match values.iter().find_map(|(name, value)| Some((line.strip_suffix(name)?, *value))) {
            Some((key, value)) => {
                text.push_str(key);
                text.push_str(&toml::Value::from(value).to_string());
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// The registration file, which says what the configuration says.
fn registration_text(
    choices: &Choices,
    tokens: &Tokens,
    config: &Config,
) -> Result<String, RegistrationError> {
    let url = choices.url.clone().unwrap_or_else(|| url_of(choices.listen));
    let scheme = parts::scheme(config).map_err(RegistrationError::Scheme)?;
    let registration = Registration {
        id: &choices.id,
        url: Some(&url),
        as_token: &SharedSecret::new(tokens.appservice.expose()),
        hs_token: &SharedSecret::new(tokens.homeserver.expose()),
        sender_localpart: &choices.sender_localpart,
        scheme: &scheme,
    };
    Ok(registration.to_yaml()?)
}

/// How a homeserver on the same machine reaches a listening address.
fn url_of(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        format!("http://localhost:{}", listen.port())
    } else {
        format!("http://{listen}")
    }
}

/// Writes a new file for its owner only.
fn create(path: &Path, text: &str) -> Result<(), RegistrationError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            RegistrationError::Exists { path }
        } else {
            RegistrationError::Write { path, source }
        }
    };
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// What the operator does next.
pub(crate) fn next_steps(config: &Path, registration: &Path) -> String {
    format!(
        "Wrote {config} (for the focus) and {registration} (for the homeserver). Both hold secrets and are readable by you \
         only.\n\
         \n\
         Next:\n  \
         1. Put {registration} where the homeserver can read it, and name it in homeserver.yaml (Synapse):\n       \
              app_service_config_files:\n         \
                - /path/to/{file_name}\n  \
         2. Restart the homeserver.\n  \
         3. Look through {config}: media.advertise_address if this machine is behind NAT, media.ports for the firewall.\n  \
         4. Start the focus: focus run -c {config}\n",
        config = config.display(),
        registration = registration.display(),
        file_name = registration.file_name().unwrap_or_default().display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices() -> Choices {
        let config = Config::default();
        Choices {
            server_name: "example.org".to_owned(),
            homeserver_url: config.homeserver.url,
            listen: config.appservice.listen,
            url: None,
            id: config.appservice.id,
            sender_localpart: config.appservice.sender_localpart,
        }
    }

    fn tokens() -> Tokens {
        Tokens { appservice: Secret::new("a1"), homeserver: Secret::new("h1"), status: Secret::new("s1") }
    }

    #[test]
    fn the_written_configuration_says_the_defaults() {
        let written: Config = toml::from_str(&config_text(&choices(), &tokens())).unwrap();
        let mut expected = Config::default();
        expected.homeserver.server_name = "example.org".to_owned();
        expected.appservice.as_token = Secret::new("a1");
        expected.appservice.hs_token = Secret::new("h1");
        expected.status.token = Secret::new("s1");
        assert_eq!(written, expected);
    }

    #[test]
    fn every_key_stands_in_the_written_configuration_below_a_comment() {
        // All optional keys set, or they would not be serialised.
        let mut config = Config::default();
        config.media.ports = Some([1, 2]);
        config.media.advertise_address = Some([1, 2, 3, 4].into());
        config.status.listen = Some(([1, 2, 3, 4], 5).into());
        let serde_json::Value::Object(sections) = serde_json::to_value(&config).unwrap() else {
            panic!("a configuration has sections")
        };

        let text = config_text(&choices(), &tokens());
        for (section, keys) in sections {
            let header = format!("[{section}]\n");
            let body = text.split_once(&header).unwrap_or_else(|| panic!("no section {section}")).1;
            let body: Vec<_> = body.lines().take_while(|line| !line.starts_with('[')).collect();
            for key in keys.as_object().unwrap().keys() {
                let said = |line: &&str| {
                    line.strip_prefix("# ")
                        .unwrap_or(line)
                        .strip_prefix(&**key)
                        .is_some_and(|r| r.starts_with(" = "))
                };
                let at = body.iter().position(said).unwrap_or_else(|| panic!("no {section}.{key}"));
                let documented = at > 0 && body[at - 1].starts_with("# ") || key == "hs_token";
                assert!(documented, "no comment above {section}.{key}");
            }
        }
    }

    #[test]
    fn keys_shown_in_comments_are_keys_with_good_values() {
        let text = config_text(&choices(), &tokens())
            .replace("# ports =", "ports =")
            .replace("# advertise_address =", "advertise_address =")
            .replace("# listen =", "listen =");
        let config: Config = toml::from_str(&text).unwrap();
        assert!(check(&config).is_empty());
        assert!(config.media.ports.is_some() && config.media.advertise_address.is_some());
        assert!(config.status.listen.is_some());
    }

    #[test]
    fn values_are_quoted_whatever_they_hold() {
        let mut odd = choices();
        odd.homeserver_url = "http://x/\"\\{{as_token}}".to_owned();
        let config: Config = toml::from_str(&config_text(&odd, &tokens())).unwrap();
        assert_eq!(config.homeserver.url, odd.homeserver_url);
    }

    #[test]
    fn the_registration_says_what_the_configuration_says() {
        let config: Config = toml::from_str(&config_text(&choices(), &tokens())).unwrap();
        let text = registration_text(&choices(), &tokens(), &config).unwrap();
        for line in [
            r#"id: "confocal""#,
            r#"url: "http://127.0.0.1:29340""#,
            r#"as_token: "a1""#,
            r#"hs_token: "h1""#,
            r#"sender_localpart: "conference""#,
            r#"      regex: "@conf_.*:example\\.org$""#,
            r#"      regex: "@fs_.*:example\\.org$""#,
            r#"      regex: "@conference:example\\.org$""#,
        ] {
            assert!(text.lines().any(|said| said == line), "no {line} in {text}");
        }

        let elsewhere = Choices { url: Some("https://focus.test".to_owned()), ..choices() };
        let text = registration_text(&elsewhere, &tokens(), &config).unwrap();
        assert!(text.contains("\nurl: \"https://focus.test\"\n"), "{text}");
    }

    #[test]
    fn a_homeserver_is_not_sent_to_an_unspecified_address() {
        assert_eq!(url_of("0.0.0.0:1".parse().unwrap()), "http://localhost:1");
        assert_eq!(url_of("[::1]:2".parse().unwrap()), "http://[::1]:2");
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let (config, registration) = (dir.path().join("focus.toml"), dir.path().join("registration.yaml"));

        fs::write(&registration, "mine").unwrap();
        let fault = write(&choices(), &tokens(), &config, &registration).unwrap_err();
        assert!(matches!(fault, RegistrationError::Exists { path } if path == registration));
        assert!(!config.exists());
        assert_eq!(fs::read_to_string(&registration).unwrap(), "mine");

        fs::remove_file(&registration).unwrap();
        write(&choices(), &tokens(), &config, &registration).unwrap();
        let before = fs::read(&config).unwrap();
        assert!(matches!(
            write(&choices(), &tokens(), &config, &registration),
            Err(RegistrationError::Exists { path }) if path == config
        ));
        assert_eq!(fs::read(&config).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn only_their_owner_reads_what_is_written() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("focus.toml"), dir.path().join("registration.yaml")];
        write(&choices(), &tokens(), &paths[0], &paths[1]).unwrap();
        for path in paths {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_the_focus_would_refuse_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (config, registration) = (dir.path().join("focus.toml"), dir.path().join("registration.yaml"));
        let bad = Choices { server_name: "not a name".to_owned(), ..choices() };
        let fault = write(&bad, &tokens(), &config, &registration).unwrap_err();
        assert!(fault.to_string().starts_with("homeserver.server_name: "), "{fault}");
        let bad = Choices { url: Some("nowhere".to_owned()), ..choices() };
        assert!(matches!(write(&bad, &tokens(), &config, &registration), Err(RegistrationError::Url)));
        assert!(!config.exists() && !registration.exists());
    }

    #[test]
    fn tokens_are_never_the_same() {
        let (one, other) = (Tokens::fresh().unwrap(), Tokens::fresh().unwrap());
        let all = [&one.appservice, &one.homeserver, &one.status, &other.appservice, &other.homeserver];
        let different: std::collections::BTreeSet<_> = all.iter().map(|token| token.expose()).collect();
        assert_eq!(different.len(), all.len());
        assert!(one.appservice.expose().len() >= 43);
    }
}
