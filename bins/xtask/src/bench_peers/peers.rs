//! The servers that are compared: how each is started and ended.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use confocal_testing::parts::free_port;

/// How long a server may take to be there.
const START: Duration = Duration::from_secs(20);

/// Everything of Janus but what is measured stays out.
const JANUS: &str = "general: { debug_level = 3 }\n\
    plugins: { disable = \"libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,\
    libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,\
    libjanus_voicemail.so\" }\n\
    transports: { disable = \"libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,\
    libjanus_websockets.so\" }\n";

/// A conference server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// `http-conference`.
    Confocal,
    /// Janus with its AudioBridge.
    Janus,
}

impl Peer {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Confocal => "Confocal",
            Self::Janus => "Janus AudioBridge",
        }
    }

    /// For `swarm --target`.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Confocal => "http",
            Self::Janus => "janus",
        }
    }
}

/// A server that runs; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    url: String,
}

impl Running {
    /// Starts one with media at `address` and room for that many callers. It logs to `log`.
    pub(crate) fn start(
        target: &Path,
        peer: Peer,
        address: IpAddr,
        callers: usize,
        folder: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        match peer {
            Peer::Confocal => Self::confocal(target, address, callers, log),
            Peer::Janus => Self::janus(folder, log),
        }
    }

    /// Where its HTTP interface is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn confocal(target: &Path, address: IpAddr, callers: usize, log: &Path) -> anyhow::Result<Self> {
        let mut command = with_many_files(&target.join("release/http-conference"));
        command
            .args(["--listen", "127.0.0.1:0", "--media", &address.to_string()])
            .args(["--max-callers", &callers.to_string()])
            .stdout(Stdio::piped())
            .stderr(File::create(log)?);
        let child = command.spawn().context("could not start http-conference")?;
        // Ended if it says nothing of use.
        let mut running = Self { child, url: String::new() };
        let output = running.child.stdout.take().context("http-conference has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let url = line.split_ascii_whitespace().next();
        running.url =
            url.with_context(|| format!("http-conference did not start; see {}", log.display()))?.to_owned();
        Ok(running)
    }

    fn janus(folder: &Path, log: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let settings = folder.join("janus");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("janus.jcfg"), JANUS)?;
        fs::write(settings.join("janus.plugin.audiobridge.jcfg"), "general: { }\n")?;
        fs::write(
            settings.join("janus.transport.http.jcfg"),
            format!(
                "general: {{ json = \"compact\", base_path = \"/janus\", http = true, port = {port}, ip = \"127.0.0.1\", \
                 https = false }}\nadmin: {{ admin_http = false, admin_https = false }}\n"
            ),
        )?;
        let output = File::create(log)?;
        let mut command = with_many_files(Path::new("janus"));
        command.arg("-F").arg(&settings).stdout(output.try_clone()?).stderr(output);
        let mut running = Self {
            child: command.spawn().context("could not start janus")?,
            url: format!("http://127.0.0.1:{port}/janus"),
        };
        let until = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = running.child.try_wait()? {
                bail!("janus ended with {status}; see {}", log.display());
            }
            ensure!(Instant::now() < until, "janus does not listen; see {}", log.display());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program with as many open files as the system lets it have: each call may take some.
fn with_many_files(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""])
        .arg(program)
        .stdin(Stdio::null());
    command
}

/// An address of this machine that is not loopback, since Janus offers no other; the way between two programs of the machine is the
/// same. No packet is sent.
pub(crate) fn own_address() -> anyhow::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // An address kept for documents (RFC 5737): what counts is by which interface it would be sent.
    let routed = socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).and_then(|()| socket.local_addr());
    Ok(routed.context("this machine has no network but loopback")?.ip())
}
