//! How a browser is told what to do: the few commands of WebDriver (<https://www.w3.org/TR/webdriver2/>) that [`super::Browser`] needs,
//! by HTTP to chromedriver, or straight to Firefox by Marionette, which geckodriver would do for us and Debian has not.
//!
//! What the commands are for never lives here.

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{BrowserError, Http};

/// The longest answer of Marionette that is read, in bytes: a picture of a window has some hundred thousand.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// A command, by WebDriver's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    NewSession,
    GetWindowHandle,
    NewWindow,
    SwitchToWindow,
    CloseWindow,
    Navigate,
    Refresh,
    ExecuteScript,
    TakeScreenshot,
}

impl Verb {
    /// Method and path below the session.
    const fn http(self) -> (Method, &'static str) {
        match self {
            Self::NewSession => (Method::POST, ""),
            Self::GetWindowHandle => (Method::GET, "/window"),
            Self::NewWindow => (Method::POST, "/window/new"),
            Self::SwitchToWindow => (Method::POST, "/window"),
            Self::CloseWindow => (Method::DELETE, "/window"),
            Self::Navigate => (Method::POST, "/url"),
            Self::Refresh => (Method::POST, "/refresh"),
            Self::ExecuteScript => (Method::POST, "/execute/sync"),
            Self::TakeScreenshot => (Method::GET, "/screenshot"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::NewSession => "NewSession",
            Self::GetWindowHandle => "GetWindowHandle",
            Self::NewWindow => "NewWindow",
            Self::SwitchToWindow => "SwitchToWindow",
            Self::CloseWindow => "CloseWindow",
            Self::Navigate => "Navigate",
            Self::Refresh => "Refresh",
            Self::ExecuteScript => "ExecuteScript",
            Self::TakeScreenshot => "TakeScreenshot",
        }
    }
}

/// A browser's session.
#[derive(Debug)]
pub(super) enum Driver {
    /// By chromedriver.
    Http {
        http: Http,
        /// Of the session.
        url: String,
    },
    /// By Firefox itself. One command at a time.
    Marionette(Mutex<Marionette>),
}

impl Driver {
    /// Opens a session of chromedriver at `base`.
    pub(super) async fn http(http: Http, base: &str, capabilities: &Value) -> Result<Self, BrowserError> {
        let mut driver = Self::Http { http, url: format!("{base}/session") };
        let opened = driver.command(Verb::NewSession, capabilities).await?;
        let id = opened.get("sessionId").and_then(Value::as_str).unwrap_or_default();
        if let Self::Http { url, .. } = &mut driver {
            *url = format!("{url}/{id}");
        }
        Ok(driver)
    }

    /// Opens a session of a Firefox by a connection to its Marionette.
    pub(super) async fn marionette(stream: TcpStream) -> Result<Self, BrowserError> {
        let mut marionette = Marionette { stream: BufReader::new(stream), commands: 0 };
        // It says first who it is.
        marionette.receive().await?;
        let driver = Self::Marionette(Mutex::new(marionette));
        driver.command(Verb::NewSession, &json!({})).await?;
        Ok(driver)
    }

    /// Gives a command and returns the value of its answer.
    pub(super) async fn command(&self, verb: Verb, body: &Value) -> Result<Value, BrowserError> {
        let (answer, refused) = match self {
            Self::Http { http, url } => {
                let (method, path) = verb.http();
                let body = (method == Method::POST).then_some(body);
                let (status, mut answer) = http.json(method, &format!("{url}{path}"), None, body).await?;
                let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
                (value, !status.is_success())
            }
            Self::Marionette(marionette) => marionette.lock().await.command(verb, body).await?,
        };
        if !refused {
            return Ok(answer);
        }
        let text = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (error, message) = (text("error"), text("message"));
        Err(BrowserError::Refused { command: verb.name().to_owned(), error, message })
    }
}

/// A connection to Firefox: messages are JSON behind their length in bytes and a colon.
#[derive(Debug)]
pub(super) struct Marionette {
    stream: BufReader<TcpStream>,
    commands: u64,
}

impl Marionette {
    /// The answer, and whether it is an error.
    async fn command(&mut self, verb: Verb, body: &Value) -> Result<(Value, bool), BrowserError> {
        self.commands += 1;
        let name = format!("WebDriver:{}", verb.name());
        let message = json!([0, self.commands, name, body]).to_string();
        let message = format!("{}:{message}", message.len());
        self.stream.write_all(message.as_bytes()).await.map_err(BrowserError::Connection)?;
        loop {
            // Kind, number, error, result. What answers no command of now is of one that was given up.
            let mut answer = self.receive().await?;
            if answer.get(1).and_then(Value::as_u64) != Some(self.commands) {
                continue;
            }
            let mut part = |index: usize| answer.get_mut(index).map(Value::take).unwrap_or_default();
            let (error, mut result) = (part(2), part(3));
            return Ok(match result.get_mut("value").map(Value::take) {
                _ if !error.is_null() => (error, true),
                Some(value) => (value, false),
                None => (result, false),
            });
        }
    }

    async fn receive(&mut self) -> Result<Value, BrowserError> {
        let mut length = 0_usize;
        loop {
            match self.stream.read_u8().await.map_err(BrowserError::Connection)? {
                b':' => break,
                digit @ b'0'..=b'9' if length < ANSWER_MAX => {
                    length = length * 10 + usize::from(digit - b'0')
                }
                _ => return Err(no_message("no length")),
            }
        }
        if length > ANSWER_MAX {
            return Err(no_message("too long"));
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.map_err(BrowserError::Connection)?;
        serde_json::from_slice(&bytes).map_err(|_| no_message("no JSON"))
    }
}

fn no_message(why: &'static str) -> BrowserError {
    BrowserError::Connection(std::io::Error::new(std::io::ErrorKind::InvalidData, why))
}
