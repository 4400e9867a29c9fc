//! The focus under test as a process of its own, from its registration to its restart after a crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use http::Method;
use serde_json::Value;
use toml::Table;

use super::places::free_port;
use super::process::Running;
use super::{Http, HttpError, StartError, Synapse};

const START: Duration = Duration::from_secs(60);

/// A focus with its files; running or not.
#[derive(Debug)]
pub struct FocusProcess {
    binary: PathBuf,
    directory: PathBuf,
    status_url: String,
    status_token: String,
    http: Http,
    running: Option<Running>,
    /// How long the log was at the last start.
    log_before: usize,
}

/// How a focus is set up.
#[derive(Clone, Debug)]
pub struct FocusOptions {
    /// Where it reaches the homeserver: a [`Synapse::base_url`] to be, or a [`super::DelayProxy`] before it.
    pub homeserver_url: String,
    /// The name of that homeserver.
    pub server_name: String,
    /// Settings besides (or instead of) those that a test focus has anyway, in the form of its configuration file.
    pub settings: Table,
}

impl FocusProcess {
    /// Has the program `binary` write its registration and configuration into `directory`, and changes the configuration for
    /// tests: private addresses are allowed for media, and the status server runs, on a free port.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn prepare(
        binary: &Path,
        directory: &Path,
        options: &FocusOptions,
    ) -> Result<Self, StartError> {
        let config = directory.join("focus.toml");
        let file_error = |source| StartError::File { path: config.clone(), source };
        fs::create_dir_all(directory).map_err(file_error)?;

        let mut command = Command::new(binary);
        command.arg("registration").arg("--config").arg(&config);
        command.arg("--registration").arg(directory.join("registration.yaml"));
        command.args(["--server-name", &options.server_name, "--homeserver-url", &options.homeserver_url]);
        command.args(["--listen", &format!("127.0.0.1:{}", free_port()?)]);
        let mut registering =
            Running::start("focus registration", command, &directory.join("registration.log"))?;
        registering.succeeds(START).await?;

        let status_port = free_port()?;
        let status_token = format!("status-of-{status_port}");
        let text = fs::read_to_string(&config).map_err(file_error)?;
        let mut settings: Table = text
            .parse()
            .map_err(|source| file_error(std::io::Error::new(std::io::ErrorKind::InvalidData, source)))?;
        merge(&mut settings, test_settings(directory, status_port, &status_token));
        merge(&mut settings, options.settings.clone());
        fs::write(&config, settings.to_string()).map_err(file_error)?;

        Ok(Self {
            binary: binary.to_path_buf(),
            directory: directory.to_path_buf(),
            status_url: format!("http://127.0.0.1:{status_port}"),
            status_token,
            http: Http::new(),
            running: None,
            log_before: 0,
        })
    }

    /// The registration file, for [`Synapse::start`].
    #[must_use]
    pub fn registration(&self) -> PathBuf {
        self.directory.join("registration.yaml")
    }

    /// The log file of `focus run`, over all its starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.join("focus.log")
    }

    /// The database, for tests that look at what survives.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.directory.join("confocal.db")
    }

    /// The user id by which the focus of a group room is invited and called, in the spelling that new ids have: `conf_` and
    /// the room id in lower-case base32.
    #[must_use]
    pub fn user_id(group_room: &str) -> String {
        Self::user_id_at(group_room, Synapse::SERVER_NAME)
    }

    /// The same of a focus whose homeserver has another name.
    #[must_use]
    pub fn user_id_at(group_room: &str, server_name: &str) -> String {
        let encoded = BASE32_NOPAD.encode(group_room.as_bytes()).to_ascii_lowercase();
        format!("@conf_{encoded}:{server_name}")
    }

    /// Starts `focus run`, also again after [`FocusProcess::kill`], and waits until its status server answers.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(&mut self) -> Result<(), StartError> {
        self.launch(None)?;
        self.answers().await
    }

    /// Starts `focus run` so that it stops at the crash point `point` (`name` or `name:about`, see the feature `crash-points` of
    /// the program) when it comes there; see [`FocusProcess::stopped`]. It may never be ready before.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start_to_crash_at(&mut self, point: &str) -> Result<(), StartError> {
        self.launch(Some(point))
    }

    /// Waits until its status server answers.
    ///
    /// # Errors
    ///
    /// [`StartError`]; also when it does not run.
    pub async fn answers(&mut self) -> Result<(), StartError> {
        let (http, url) = (self.http.clone(), format!("{}/health", self.status_url));
        self.running()?.ready(START, async || http.is_up(&url).await).await
    }

    /// Waits until the focus has stopped at the crash point that it was started with.
    ///
    /// # Errors
    ///
    /// [`StartError`]; also when it does not run.
    pub async fn stopped(&mut self) -> Result<(), StartError> {
        let (log, before) = (self.log(), self.log_before);
        let reached = async || {
            let text = fs::read(&log).unwrap_or_default();
            String::from_utf8_lossy(text.get(before..).unwrap_or_default()).contains("crash point reached: ")
        };
        self.running()?.ready(START, reached).await
    }

    fn running(&mut self) -> Result<&mut Running, StartError> {
        let path = self.directory.clone();
        self.running.as_mut().ok_or(StartError::NotInstalled { what: "a running focus", path })
    }

    fn launch(&mut self, crash_at: Option<&str>) -> Result<(), StartError> {
        self.kill();
        self.log_before = fs::read(self.log()).unwrap_or_default().len();
        let mut command = Command::new(&self.binary);
        command
            .arg("run")
            .arg("--config")
            .arg(self.directory.join("focus.toml"))
            .current_dir(&self.directory);
        if let Some(point) = crash_at {
            command.env("CONFOCAL_CRASH_AT", point);
        }
        self.running = Some(Running::start("focus", command, &self.log())?);
        Ok(())
    }

    /// Kills the focus, as a crash would; nothing when it does not run.
    pub fn kill(&mut self) {
        // Dropping it kills it.
        self.running = None;
    }

    /// Asks the focus to end (SIGTERM) and returns how it did; `None` when it did not run, or still does after `deadline`.
    pub async fn terminate(&mut self, deadline: Duration) -> Option<ExitStatus> {
        self.running.as_mut()?.terminate(deadline).await
    }

    /// How the focus ended by itself, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.running.as_mut()?.ended()
    }

    /// Whether the focus says that the homeserver has reached it.
    pub async fn is_ready(&self) -> bool {
        self.http.is_up(&format!("{}/ready", self.status_url)).await
    }

    /// What the focus tells of its conferences: a list of `{conference, group, participants: [{participant, member, legs: [..], ..}], ..}`.
    ///
    /// # Errors
    ///
    /// [`HttpError`].
    pub async fn conferences(&self) -> Result<Value, HttpError> {
        let status = self.status();
        self.http.json(Method::GET, &status.url, Some(&status.token), None).await.map(|(_, answer)| answer)
    }

    /// Where the status is read.
    #[must_use]
    pub fn status(&self) -> FocusStatus {
        let url = format!("{}/_confocal/v1/conferences", self.status_url);
        FocusStatus { url, token: self.status_token.clone() }
    }
}

/// Where and how the status of a focus is read.
#[derive(Clone, Debug)]
pub struct FocusStatus {
    /// To be asked by GET.
    pub url: String,
    /// The bearer token to show.
    pub token: String,
}

fn test_settings(directory: &Path, status_port: u16, status_token: &str) -> Table {
    let store = directory.join("confocal.db").to_string_lossy().into_owned();
    let listen = format!("127.0.0.1:{status_port}");
    let section = |values: Vec<(&str, toml::Value)>| {
        toml::Value::Table(values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    [
        ("media", section(vec![("allow_private_candidates", true.into())])),
        ("status", section(vec![("listen", listen.into()), ("token", status_token.into())])),
        ("store", section(vec![("path", store.into())])),
        ("log", section(vec![("redact", false.into())])),
    ]
    .into_iter()
    .map(|(name, values)| (name.to_owned(), values))
    .collect()
}

/// Puts the values of `changes` over those of `settings`, section by section.
fn merge(settings: &mut Table, changes: Table) {
    for (key, change) in changes {
        match (settings.get_mut(&key), change) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, change) => {
                settings.insert(key, change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_merged_section_by_section() {
        let mut settings: Table = "[a]\nx = 1\ny = 2\n[b]\nz = 3".parse().expect("TOML");
        merge(&mut settings, "[a]\ny = 4\n[c]\nw = 5".parse().expect("TOML"));
        let expected: Table = "[a]\nx = 1\ny = 4\n[b]\nz = 3\n[c]\nw = 5".parse().expect("TOML");
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_user_id_is_in_the_default_spelling() {
        // RFC 4648 section 10: "foobar" is MZXW6YTBOI.
        assert_eq!(FocusProcess::user_id("foobar"), "@conf_mzxw6ytboi:confocal.test");
    }
}
