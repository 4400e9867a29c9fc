//! Someone with the test page (`person.html`) open in a browser: matrix-js-sdk, told what to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
        Self::start_with(pages, browser, user, tone, &Value::Null).await
    }

    /// The same; `more` are further arguments of the page's `start`.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn start_with(
        pages: &PageServer,
        browser: &Browser,
        user: &User,
        tone: f64,
        more: &Value,
    ) -> Result<Self, BrowserError> {
        let page = browser.open(&format!("{}/person.html", pages.base_url())).await?;
        let person = Self { page };
        person.log_in(user, tone, more).await?;
        Ok(person)
    }

    /// Loads the page anew, as its user does by a key: whatever ran in it is gone, a call too. Logs in again as the same device,
    /// with a tone that may be another.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn reload(&self, user: &User, tone: f64) -> Result<(), BrowserError> {
        self.page.reload().await?;
        self.log_in(user, tone, &Value::Null).await
    }

    async fn log_in(&self, user: &User, tone: f64, more: &Value) -> Result<(), BrowserError> {
        self.page.wait_for("window.person !== undefined", SOON).await?;
        let mut who = json!({
            "homeserver": user.homeserver,
            "user_id": user.user_id,
            "access_token": user.access_token,
            "device_id": user.device_id,
            "tone": tone,
        });
        if let (Some(who), Some(more)) = (who.as_object_mut(), more.as_object()) {
            who.extend(more.clone());
        }
        self.page.run("return person.start(args)", &who, SOON).await.map(drop)
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

    /// When it first heard something of at least -50 dBFS after the moment `since`.
    ///
    /// # Errors
    ///
    /// [`BrowserError`], also when nothing is heard.
    pub async fn sound_since(&self, since: SystemTime) -> Result<SystemTime, BrowserError> {
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0;
        let heard = self.page.run("return person.soundSince(args)", &json!(since), SOON).await?;
        let heard = heard.as_f64().and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
        let heard = heard.ok_or_else(|| BrowserError::Script("no time of a sound".to_owned()))?;
        Ok(UNIX_EPOCH + heard)
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

    /// Which way the call goes: `{local: {type, protocol, relay_protocol}, remote: {..}}` of the candidates in use, in the words of
    /// WebRTC's statistics; null while there are none.
    ///
    /// # Errors
    ///
    /// [`BrowserError`].
    pub async fn path(&self) -> Result<Value, BrowserError> {
        self.page.run("return person.path()", &Value::Null, SOON).await
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
