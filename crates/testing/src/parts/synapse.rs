//! Synapse on SQLite on a local port, alone or in federation with others on this machine. Configured for tests: no rate limits, anyone
//! may register.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::process::Running;
use super::{Http, MatrixError, Places, StartError, User};

/// The first start on a slow or busy machine takes many seconds, most of it for Python imports and the database schema.
const START: Duration = Duration::from_secs(120);

/// A running homeserver.
#[derive(Debug)]
pub struct Synapse {
    python: PathBuf,
    directory: PathBuf,
    base_url: String,
    server_name: String,
    http: Http,
    running: Running,
}

/// By which port of 127.0.0.1 a homeserver is reached, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynapsePorts {
    /// By clients and application services.
    pub client: u16,
    /// By other homeservers; `None`: it has nothing to do with any, and is called [`Synapse::SERVER_NAME`].
    pub federation: Option<u16>,
}

impl SynapsePorts {
    /// The name of the homeserver. In federation it is an address with a port, which needs no name service.
    #[must_use]
    pub fn server_name(self) -> String {
        self.federation.map_or_else(|| Synapse::SERVER_NAME.to_owned(), |port| format!("127.0.0.1:{port}"))
    }
}

impl Synapse {
    /// The server name of all test homeservers that are in no federation.
    pub const SERVER_NAME: &str = "confocal.test";

    /// Writes a configuration into `directory`, starts Synapse on `port` of 127.0.0.1 with the application services whose
    /// registration files are given, and waits until it answers.
    ///
    /// The port is the caller's choice (see [`super::free_port`]), since an application service wants to know it beforehand.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(
        places: &Places,
        directory: &Path,
        port: u16,
        registrations: &[PathBuf],
    ) -> Result<Self, StartError> {
        let ports = SynapsePorts { client: port, federation: None };
        Self::start_on(places, directory, ports, registrations, &Value::Null).await
    }

    /// As [`Synapse::start`], in federation with other homeservers if it has a port for that. `settings` is an object that goes over
    /// what `homeserver.yaml` has anyway, or null; the name of the homeserver may be among them.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_on(
        places: &Places,
        directory: &Path,
        ports: SynapsePorts,
        registrations: &[PathBuf],
        settings: &Value,
    ) -> Result<Self, StartError> {
        let python = places.python()?;
        let files = [
            // A configuration in YAML may as well be JSON, which needs no care for quoting.
            ("homeserver.yaml", configuration(directory, ports, registrations, settings).to_string()),
            ("log.yaml", log_configuration().to_string()),
            ("signing.key", SIGNING_KEY.to_owned()),
        ];
        for (name, text) in files {
            let path = directory.join(name);
            fs::create_dir_all(directory)
                .and_then(|()| fs::write(&path, text))
                .map_err(|source| StartError::File { path, source })?;
        }
        if ports.federation.is_some() {
            certify(&python, directory).await?;
        }
        let running = launch(&python, directory)?;
        let base_url = format!("http://127.0.0.1:{}", ports.client);
        let server_name = server_name(ports, settings);
        let (directory, http) = (directory.to_path_buf(), Http::new());
        let mut synapse = Self { python, directory, base_url, server_name, http, running };
        synapse.wait_for_health().await?;
        Ok(synapse)
    }

    /// The base URL for clients and application services, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its name: what stands behind the colon in the ids of its users.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.running.log()
    }

    /// Kills the server; [`Synapse::start_again`] brings it back with its data.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts the server again after [`Synapse::kill`], with the same port and data, and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_again(&mut self) -> Result<(), StartError> {
        self.running.kill();
        self.running = launch(&self.python, &self.directory)?;
        self.wait_for_health().await
    }

    /// Registers the user `@name:server` with a device, its display name `name`.
    ///
    /// # Errors
    ///
    /// [`MatrixError`], for example when the name is taken.
    pub async fn register(&self, name: &str) -> Result<User, MatrixError> {
        let body = json!({
            "username": name,
            "password": password_of(name),
            "auth": { "type": "m.login.dummy" },
        });
        self.user_by("register", &body).await
    }

    /// A further device of a user that was registered here.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn log_in(&self, name: &str) -> Result<User, MatrixError> {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": name },
            "password": password_of(name),
        });
        self.user_by("login", &body).await
    }

    async fn user_by(&self, how: &str, body: &Value) -> Result<User, MatrixError> {
        let url = format!("{}/_matrix/client/v3/{how}", self.base_url);
        let (status, answer) = self.http.json(Method::POST, &url, None, Some(body)).await?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        match (text("user_id"), text("access_token"), text("device_id")) {
            (Some(user_id), Some(access_token), Some(device_id)) => {
                Ok(User::new(self.http.clone(), self.base_url.clone(), user_id, access_token, device_id))
            }
            _ => Err(MatrixError::refused(how, status, &answer)),
        }
    }

    async fn wait_for_health(&mut self) -> Result<(), StartError> {
        let (http, url) = (self.http.clone(), format!("{}/health", self.base_url));
        self.running.ready(START, async || http.is_up(&url).await).await
    }
}

/// How a homeserver is called: as its settings say, or as its ports make it.
pub(super) fn server_name(ports: SynapsePorts, settings: &Value) -> String {
    let set = settings.get("server_name").and_then(Value::as_str);
    set.map_or_else(|| ports.server_name(), str::to_owned)
}

fn password_of(name: &str) -> String {
    format!("password of {name}")
}

fn launch(python: &Path, directory: &Path) -> Result<Running, StartError> {
    let mut command = Command::new(python);
    command.args(["-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]).current_dir(directory);
    Running::start("Synapse", command, &directory.join("synapse.log"))
}

/// Makes the certificate and key of the listener for other homeservers.
async fn certify(python: &Path, directory: &Path) -> Result<(), StartError> {
    let mut command = Command::new(python);
    command.arg(Places::python_sources().join("certificate.py"));
    command.args([CERTIFICATE, CERTIFICATE_KEY]).current_dir(directory);
    let mut certifying = Running::start("certificate.py", command, &directory.join("certificate.log"))?;
    certifying.succeeds(START).await
}

/// Files of the listener for other homeservers.
const CERTIFICATE: &str = "certificate.pem";
const CERTIFICATE_KEY: &str = "certificate-key.pem";

/// A key that signs nothing outside a test: the seed is 32 zero bytes.
const SIGNING_KEY: &str = "ed25519 a_test AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

fn configuration(
    directory: &Path,
    ports: SynapsePorts,
    registrations: &[PathBuf],
    settings: &Value,
) -> Value {
    let free = json!({ "per_second": 100_000, "burst_count": 100_000 });
    let mut configuration = json!({
        "server_name": server_name(ports, settings),
        "public_baseurl": format!("http://127.0.0.1:{}/", ports.client),
        "pid_file": directory.join("synapse.pid"),
        "listeners": [{
            "port": ports.client,
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{ "names": ["client"], "compress": false }],
        }],
        "database": { "name": "sqlite3", "args": { "database": directory.join("homeserver.db") } },
        "log_config": directory.join("log.yaml"),
        "signing_key_path": directory.join("signing.key"),
        "media_store_path": directory.join("media"),
        "macaroon_secret_key": "only for tests",
        "form_secret": "only for tests",
        "report_stats": false,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "allow_public_rooms_without_auth": true,
        "presence": { "enabled": false },
        "push": { "enabled": false },
        "enable_registration": true,
        "enable_registration_without_verification": true,
        // Each registration would else cost half a second of bcrypt.
        "bcrypt_rounds": 4,
        "app_service_config_files": registrations,
        "rc_message": free,
        "rc_registration": free,
        "rc_registration_token_validity": free,
        "rc_login": { "address": free, "account": free, "failed_attempts": free },
        "rc_joins": { "local": free, "remote": free },
        "rc_joins_per_room": free,
        "rc_invites": { "per_room": free, "per_user": free, "per_issuer": free },
        "rc_room_creation": free,
        "rc_presence": { "per_user": free },
        "rc_delayed_event_mgmt": free,
        "rc_reports": free,
        "rc_user_directory": free,
    });
    if let Some(port) = ports.federation {
        federate(&mut configuration, directory, port);
    }
    if let (Some(configuration), Some(settings)) = (configuration.as_object_mut(), settings.as_object()) {
        configuration.extend(settings.clone());
    }
    configuration
}

/// Homeservers on this machine are let in, whose certificates nobody vouches for.
fn federate(configuration: &mut Value, directory: &Path, port: u16) {
    let listener = json!({
        "port": port,
        "type": "http",
        "tls": true,
        "bind_addresses": ["127.0.0.1"],
        "resources": [{ "names": ["federation"], "compress": false }],
    });
    if let Some(listeners) = configuration.get_mut("listeners").and_then(Value::as_array_mut) {
        listeners.push(listener);
    }
    let settings = json!({
        "tls_certificate_path": directory.join(CERTIFICATE),
        "tls_private_key_path": directory.join(CERTIFICATE_KEY),
        "federation_verify_certificates": false,
        "federation_domain_whitelist": null,
        "ip_range_blacklist": [],
        // None of the requests of a test is one too many.
        "rc_federation": { "window_size": 1000, "sleep_limit": 100_000, "reject_limit": 100_000, "concurrent": 100 },
    });
    if let (Some(configuration), Value::Object(settings)) = (configuration.as_object_mut(), settings) {
        configuration.extend(settings);
    }
}

fn log_configuration() -> Value {
    json!({
        "version": 1,
        "formatters": { "line": { "format": "%(asctime)s %(levelname)s %(name)s %(message)s" } },
        "handlers": { "out": { "class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout" } },
        "loggers": {
            "synapse.appservice": { "level": "INFO" },
            "synapse.storage.SQL": { "level": "WARNING" },
        },
        "root": { "level": "WARNING", "handlers": ["out"] },
        "disable_existing_loggers": false,
    })
}
