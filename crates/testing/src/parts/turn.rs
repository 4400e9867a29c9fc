//! coturn: a server that relays for callers who can't, or shall not, reach the focus themselves (TURN, RFC 8656), over UDP and TCP,
//! without TLS. Who may use it is the homeserver's word: the two share a secret.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::places::free_port;
use super::process::Running;
use super::{StartError, Synapse};

const START: Duration = Duration::from_secs(30);

/// Signs the credentials that the homeserver hands out; nothing outside a test does.
const SECRET: &str = "only for tests";

/// A running relay; dropping it ends it.
#[derive(Debug)]
pub struct Turn {
    address: IpAddr,
    port: u16,
    running: Running,
}

impl Turn {
    /// Starts coturn on a free port of this machine's address, with its files in `directory`, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(directory: &Path) -> Result<Self, StartError> {
        let (address, port) = (outward_address().map_err(StartError::Port)?, free_port()?);
        let mut command = Command::new("turnserver");
        // Without its own configuration file; everything is said here.
        command.args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout", "--simple-log"]);
        command.arg(format!("--listening-ip={address}")).arg(format!("--relay-ip={address}"));
        command.arg(format!("--listening-port={port}")).arg(format!("--realm={}", Synapse::SERVER_NAME));
        // RFC 8656's long-term credentials, made from the secret: a name that ends at a time, and its signature for a password.
        command.args(["--fingerprint", "--use-auth-secret"]).arg(format!("--static-auth-secret={SECRET}"));
        command.arg(format!("--userdb={}", directory.join("turn.db").display()));
        command.arg(format!("--pidfile={}", directory.join("turn.pid").display()));
        let mut running = Running::start("coturn", command, &directory.join("turn.log"))?;
        running.ready(START, async || TcpStream::connect((address, port)).await.is_ok()).await?;
        Ok(Self { address, port, running })
    }

    /// What the homeserver must know of it, in the words of Synapse's configuration; see [`super::Scene::start_with`].
    #[must_use]
    pub fn homeserver_settings(&self) -> Value {
        let uri = |transport: &str| format!("turn:{}:{}?transport={transport}", self.address, self.port);
        json!({
            "turn_uris": [uri("udp"), uri("tcp")],
            "turn_shared_secret": SECRET,
            "turn_user_lifetime": "1h",
            "turn_allow_guests": false,
        })
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.running.log()
    }
}

/// The address of this machine from which others are reached: browsers gather candidates on its interface alone, and coturn relays to
/// no loopback address.
fn outward_address() -> std::io::Result<IpAddr> {
    // Connecting a UDP socket asks for the route and sends nothing; the network is one for documents (RFC 5737).
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.connect(("198.51.100.1", 9))?;
    Ok(socket.local_addr()?.ip())
}
