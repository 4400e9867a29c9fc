//! Someone with the test page (`person.html`) open in a browser: matrix-js-sdk in Chromium, told what to do.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Browser, BrowserError, FocusProcess, Page, PageServer, User};

/// Enough for anything that is going to happen at all, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// The person; what its page can do more is asked of `page`.
#[derive(Debug)]
pub struct Person {
    /// The page.
    pub page: Page,
}

impl Person {
    /// Opens the page and logs in; the microphone is a sine of `tone` Hz.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn start(
        pages: &PageServer,
        browser: &Browser,
        user: &User,
        tone: f64,
    ) -> Result<Self, BrowserError> {
        let page = browser.open(&format!("{}/person.html", pages.base_url())).await?;
        page.wait_for("window.person !== undefined", SOON).await?;
        let who = json!({
            "homeserver": user.homeserver,
            "user_id": user.user_id,
            "access_token": user.access_token,
            "device_id": user.device_id,
            "tone": tone,
        });
        page.run("return person.start(args)", &who, SOON).await?;
        Ok(Self { page })
    }

    /// Joins the conference of a group room, as a click on a page would; ends when the call is connected. `more` are further
    /// arguments of the page's `join`.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Script`] when the call is refused or does not connect.
    pub async fn join(&self, room: &str, more: Value) -> Result<Value, BrowserError> {
        let mut how =
            json!({ "group_room_id": room, "focus_user_id": FocusProcess::user_id(room), "invite": true });
        if let (Some(how), Some(more)) = (how.as_object_mut(), more.as_object()) {
            how.extend(more.clone());
        }
        self.page.run("return person.join(args)", &how, SOON).await
    }

    /// Milliseconds from the join to the first sound of at least -50 dBFS.
    ///
    /// # Errors
    ///
    /// [`BrowserError`], also when nothing is heard.
    pub async fn first_sound(&self) -> Result<f64, BrowserError> {
        let heard = self.page.run("return person.firstSound()", &Value::Null, SOON).await?;
        heard.as_f64().ok_or_else(|| BrowserError::Script(format!("no time of the first sound: {heard}")))
    }

    /// The levels in dBFS of some tones in what it hears, over half a second.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn levels(&self, tones: &[f64]) -> Result<Vec<f64>, BrowserError> {
        let levels = self.page.run("return person.levels(args, 500)", &json!(tones), SOON).await?;
        let level = |tone: &f64| {
            let level = levels.get(tone.to_string()).and_then(Value::as_f64);
            level.ok_or_else(|| BrowserError::Script(format!("no level of {tone} Hz: {levels}")))
        };
        tones.iter().map(level).collect()
    }

    /// Hangs up.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn hang_up(&self) -> Result<(), BrowserError> {
        self.page.run("return person.hangup()", &Value::Null, SOON).await.map(drop)
    }
}
