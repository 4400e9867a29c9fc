//! Chromium and Firefox, headless, without a person to allow anything. How a command reaches them is `driver.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::driver::{Driver, Verb};
use super::places::free_port;
use super::process::Running;
use super::{Http, HttpError, StartError};

const START: Duration = Duration::from_secs(60);

/// How often a page is asked whether its script has ended.
const POLL: Duration = Duration::from_millis(50);

/// Flags for a browser without a screen, a person or the Internet, whose background pages run at full speed.
const FLAGS: [&str; 16] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--window-size=1280,900",
];

/// Chromium's words for a network that lets no UDP through: it gathers none but TCP candidates. Programs made from its sources know the
/// one or the other.
const WITHOUT_UDP: [&str; 2] = [
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
];

/// What Firefox does otherwise that no person is there to change; the port of its Marionette comes besides.
const PREFERENCES: [(&str, &str); 5] = [
    ("media.autoplay.default", "0"),
    ("media.autoplay.block-webaudio", "false"),
    // A sound device made up: without any, no sound runs in the page at all.
    ("media.cubeb.force_mock_context", "true"),
    // Pages in the background run at full speed.
    ("dom.min_background_timeout_value", "4"),
    ("dom.timeout.enable_budget_timer_throttling", "false"),
];

/// What a browser did not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// The browser, or what drives it, did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// chromedriver did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Firefox did not answer, or something else.
    #[error("the connection to Firefox")]
    Connection(#[source] std::io::Error),
    /// The browser refused a command.
    #[error("{command}: {error}: {message}")]
    Refused {
        /// WebDriver's name of the command.
        command: String,
        /// WebDriver's error code.
        error: String,
        /// Its words.
        message: String,
    },
    /// A script threw.
    #[error("the page's script threw: {0}")]
    Script(String),
    /// A script did not end in time.
    #[error("the page's script did not end within {0:?}")]
    Slow(Duration),
    /// A picture could not be written, or was none.
    #[error("no picture at {}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// One browser; its pages are windows, and can be used at the same time.
#[derive(Debug)]
pub struct Browser {
    session: Arc<Session>,
}

/// One window of a browser. It stays open until [`Page::close`] or the browser's end.
#[derive(Debug)]
pub struct Page {
    session: Arc<Session>,
    window: String,
    scripts: AtomicU64,
}

#[derive(Debug)]
struct Session {
    driver: Driver,
    console: PathBuf,
    // The window that the browser came with, and that no page is in: where to be when a page's window has gone.
    home: String,
    // A command goes to the window that was switched to last: held over both.
    current: Mutex<String>,
    // Last, so that the processes end after everything else.
    _running: Running,
}

impl Browser {
    /// Starts chromedriver and a browser with an empty profile in `directory`, where logs go too: `chromedriver.log`, and
    /// `console.log` with what pages write to their consoles.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn start(directory: &Path) -> Result<Self, BrowserError> {
        Self::start_chromium(directory, &[]).await
    }

    /// As [`Browser::start`], on a network that lets no UDP through.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn start_without_udp(directory: &Path) -> Result<Self, BrowserError> {
        Self::start_chromium(directory, &WITHOUT_UDP).await
    }

    /// Starts a Firefox with an empty profile in `directory`, where its log goes too: `firefox.log`, with what pages write to their
    /// consoles.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn start_firefox(directory: &Path) -> Result<Self, BrowserError> {
        let (port, profile) = (free_port()?, directory.join("firefox-profile"));
        let own = ("marionette.port", port.to_string());
        let preferences = PREFERENCES.iter().map(|(name, value)| (*name, (*value).to_owned())).chain([own]);
        let preferences: String =
            preferences.map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect();
        let file = profile.join("user.js");
        fs::create_dir_all(&profile)
            .and_then(|()| fs::write(&file, preferences))
            .map_err(|source| StartError::File { path: file, source })?;
        let mut command = Command::new("firefox-esr");
        command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(&profile);
        let console = directory.join("firefox.log");
        let mut running = Running::start("firefox", command, &console)?;
        let mut stream = None;
        let connects = async || {
            stream = TcpStream::connect(("127.0.0.1", port)).await.ok();
            stream.is_some()
        };
        running.ready(START, connects).await?;
        let stream = stream.ok_or_else(|| BrowserError::Connection(ErrorKind::NotConnected.into()))?;
        Self::with(Driver::marionette(stream).await?, console, running).await
    }

    async fn start_chromium(directory: &Path, more: &[&str]) -> Result<Self, BrowserError> {
        let port = free_port()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let mut driver = Running::start("chromedriver", command, &directory.join("chromedriver.log"))?;
        let (http, base) = (Http::new(), format!("http://127.0.0.1:{port}"));
        driver.ready(START, async || http.is_up(&format!("{base}/status")).await).await?;

        let console = directory.join("console.log");
        let mut flags: Vec<String> = FLAGS.iter().chain(more).map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", directory.join("profile").display()));
        flags.extend(["--enable-logging".to_owned(), format!("--log-file={}", console.display())]);
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags },
        }}});
        Self::with(Driver::http(http, &base, &capabilities).await?, console, driver).await
    }

    async fn with(driver: Driver, console: PathBuf, running: Running) -> Result<Self, BrowserError> {
        let home = driver.command(Verb::GetWindowHandle, &Value::Null).await?;
        let home = home.as_str().unwrap_or_default().to_owned();
        let current = Mutex::new(home.clone());
        let session = Session { driver, console, home, current, _running: running };
        Ok(Self { session: Arc::new(session) })
    }

    /// Opens `url` in a new window and waits until it has loaded.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn open(&self, url: &str) -> Result<Page, BrowserError> {
        let mut current = self.session.current.lock().await;
        let new = self.session.driver.command(Verb::NewWindow, &json!({ "type": "tab" })).await?;
        let window = new.get("handle").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.session.switch(&mut current, &window).await?;
        self.session.driver.command(Verb::Navigate, &json!({ "url": url })).await?;
        drop(current);
        Ok(Page { session: Arc::clone(&self.session), window, scripts: AtomicU64::new(0) })
    }

    /// The file with what all pages wrote to their consoles, and the browser to its log.
    #[must_use]
    pub fn console(&self) -> &Path {
        &self.session.console
    }
}

impl Page {
    /// Runs the body of an `async` function in the page, to which `args` is known by that name, and returns what it returns. It
    /// may take up to `deadline`; other pages can be used meanwhile.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Script`] when it throws, [`BrowserError::Slow`] after `deadline`.
    pub async fn run(&self, body: &str, args: &Value, deadline: Duration) -> Result<Value, BrowserError> {
        let key = self.scripts.fetch_add(1, Ordering::Relaxed);
        // Started by one command and asked for by others, as one that waits would block every page of the browser.
        let start = format!(
            "const [key, args] = arguments; const all = (window.__runs ??= {{}});
             (async () => {{ {body} }})().then(
               (value) => (all[key] = {{ value: value ?? null }}),
               (error) => {{
                 // Firefox's stack does not begin with what happened.
                 const [what, stack] = [String(error), error?.stack ?? ''];
                 all[key] = {{ error: stack.includes(what) ? stack : `${{what}}\n${{stack}}` }};
               }});"
        );
        self.execute(&start, &json!([key, args])).await?;
        let from = Instant::now();
        let look = "const [key] = arguments; const run = (window.__runs ?? {})[key] ?? null;
                    if (run) delete window.__runs[key];
                    return run;";
        loop {
            let mut run = self.execute(look, &json!([key])).await?;
            if let Some(error) = run.get("error") {
                return Err(BrowserError::Script(error.as_str().unwrap_or_default().to_owned()));
            }
            if let Some(value) = run.get_mut("value") {
                return Ok(value.take());
            }
            if from.elapsed() > deadline {
                return Err(BrowserError::Slow(deadline));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the JavaScript expression `condition` is true in the page.
    ///
    /// # Errors
    ///
    /// As [`Page::run`].
    pub async fn wait_for(&self, condition: &str, deadline: Duration) -> Result<(), BrowserError> {
        let body = format!("while (!({condition})) await new Promise((go) => setTimeout(go, 50));");
        self.run(&body, &Value::Null, deadline).await.map(drop)
    }

    /// Writes a picture of the window to the file `path`, a PNG.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn screenshot(&self, path: &Path) -> Result<(), BrowserError> {
        let picture = {
            let mut current = self.session.current.lock().await;
            self.session.switch(&mut current, &self.window).await?;
            self.session.driver.command(Verb::TakeScreenshot, &json!({ "full": false })).await?
        };
        let failed = |source| BrowserError::Picture { path: path.to_path_buf(), source };
        let bytes = data_encoding::BASE64
            .decode(picture.as_str().unwrap_or_default().as_bytes())
            .map_err(|error| failed(std::io::Error::new(ErrorKind::InvalidData, error)))?;
        fs::write(path, bytes).map_err(failed)
    }

    /// Loads the page anew and waits until it has.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn reload(&self) -> Result<(), BrowserError> {
        let mut current = self.session.current.lock().await;
        self.session.switch(&mut current, &self.window).await?;
        self.session.driver.command(Verb::Refresh, &json!({})).await.map(drop)
    }

    /// Closes the window, as its user would.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn close(self) -> Result<(), BrowserError> {
        let mut current = self.session.current.lock().await;
        self.session.switch(&mut current, &self.window).await?;
        self.session.driver.command(Verb::CloseWindow, &json!({})).await?;
        self.session.switch(&mut current, &self.session.home).await
    }

    async fn execute(&self, script: &str, args: &Value) -> Result<Value, BrowserError> {
        let mut current = self.session.current.lock().await;
        self.session.switch(&mut current, &self.window).await?;
        self.session.driver.command(Verb::ExecuteScript, &json!({ "script": script, "args": args })).await
    }
}

impl Session {
    async fn switch(&self, current: &mut String, window: &str) -> Result<(), BrowserError> {
        if current != window {
            self.driver.command(Verb::SwitchToWindow, &json!({ "handle": window })).await?;
            window.clone_into(current);
        }
        Ok(())
    }
}
