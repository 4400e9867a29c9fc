//! People in browsers in one conference, each with a tone of their own, and what they hear of each other.
//!
//! What they do never lives here.

use std::path::PathBuf;

use confocal_testing::parts::{Browser, BrowserError, PageServer, Person, User};
use serde_json::{Value, json};

use crate::world::{SOON, World, eventually};

/// What people say, in Hz: no harmonics of each other. The last one is for who comes back with another voice.
pub(crate) const TONES: [f64; 4] = [437.0, 631.0, 1013.0, 1511.0];

const NAMES: [&str; 3] = ["anna", "bert", "cleo"];

/// What counts as heard, and what as not heard at all, in dBFS.
const HEARD: f64 = -45.0;
const SILENT: f64 = -70.0;

/// Whether these are the levels, in dBFS, of one who hears the tones of all others, and not their own, the one numbered `own`.
pub(crate) fn hears_others(levels: &[f64], own: usize) -> bool {
    let others = levels.iter().enumerate().filter(|(tone, _)| *tone != own);
    let quietest = others.map(|(_, level)| *level).fold(f64::INFINITY, f64::min);
    quietest > HEARD && levels[own] < quietest - 40.0
}

/// How loud each of the tones is in what one hears; without a stream to hear there is silence.
pub(crate) async fn levels(ears: &Person, tones: &[f64]) -> Vec<f64> {
    match ears.levels(tones).await {
        Err(BrowserError::Script(why)) if why.contains("no sound to listen to") => vec![-200.0; tones.len()],
        levels => levels.unwrap(),
    }
}

/// People in a conference; each is the number of their tone.
pub(crate) struct People {
    pub(crate) people: Vec<Person>,
    pub(crate) users: Vec<User>,
    pub(crate) room: String,
    pub(crate) browser: Browser,
    pub(crate) pages: PageServer,
    pub(crate) world: World,
}

impl People {
    /// Starts everything, and `count` people join and hear each other.
    pub(crate) async fn in_conference(name: &str, count: usize) -> Self {
        let mut these = Self::in_room(name, count).await;
        for number in 0..count {
            these.join(number).await;
        }
        these.hear_each_other().await;
        these
    }

    /// Starts everything, with `count` people in a group room who have not joined the conference.
    pub(crate) async fn in_room(name: &str, count: usize) -> Self {
        Self::in_room_with(name, "", &vec![Value::Null; count]).await
    }

    /// The same under settings of the focus's own; for each of the people there are further arguments of the page's `start`.
    pub(crate) async fn in_room_with(name: &str, settings: &str, more: &[Value]) -> Self {
        let world = World::start(name, settings).await;
        let pages = PageServer::start(&world.places).await.unwrap();
        let browser = Browser::start(&world.directory).await.unwrap();
        let (mut users, mut people) = (Vec::new(), Vec::new());
        for ((name, tone), more) in NAMES.into_iter().zip(TONES).zip(more) {
            let user = world.user(name).await;
            people.push(Person::start_with(&pages, &browser, &user, tone, more).await.unwrap());
            users.push(user);
        }
        let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
        Self { people, users, room, browser, pages, world }
    }

    pub(crate) async fn join(&mut self, number: usize) {
        self.people[number].join(&self.room, json!({})).await.unwrap();
    }

    /// How loud each of the tones is in what one hears.
    pub(crate) async fn levels(&self, ears: usize) -> Vec<f64> {
        levels(&self.people[ears], &TONES).await
    }

    pub(crate) async fn hears(&self, ears: usize, tone: usize) {
        let what = format!("{} hears tone {tone}", NAMES[ears]);
        eventually(&what, SOON, async || self.levels(ears).await[tone] > HEARD).await;
    }

    pub(crate) async fn hears_nothing_of(&self, ears: usize, tone: usize) {
        let what = format!("{} no longer hears tone {tone}", NAMES[ears]);
        eventually(&what, SOON, async || self.levels(ears).await[tone] < SILENT).await;
    }

    /// Each hears all others, and not themselves.
    pub(crate) async fn hear_each_other(&self) {
        for (ears, name) in NAMES.iter().enumerate().take(self.people.len()) {
            let what = format!("{name} hears all others, and not themselves");
            eventually(&what, SOON, async || {
                hears_others(&self.levels(ears).await[..self.people.len()], ears)
            })
            .await;
        }
    }

    /// What the page of one knows of their call.
    pub(crate) async fn state(&self, number: usize) -> Value {
        self.ask(number, "return person.state()", json!(null)).await
    }

    /// Runs a script in the page of one.
    pub(crate) async fn ask(&self, number: usize, script: &str, args: Value) -> Value {
        self.people[number].page.run(script, &args, SOON).await.unwrap()
    }

    /// The room of one's call.
    pub(crate) async fn direct(&self, number: usize) -> String {
        self.state(number).await["room_id"].as_str().unwrap().to_owned()
    }

    /// The legs of one in the conference, as the focus's status page has them.
    pub(crate) async fn legs(&self, number: usize) -> Vec<Value> {
        let conferences = self.world.focus.conferences().await.unwrap();
        let all = conferences.as_array().into_iter().flatten();
        let participants = all.filter_map(|conference| conference["participants"].as_array()).flatten();
        let own = participants.filter(|it| it["member"] == self.users[number].user_id.as_str());
        own.filter_map(|it| it["legs"].as_array()).flatten().cloned().collect()
    }

    /// Where the logs of this run are, for the message of a failure.
    pub(crate) fn directory(&self) -> PathBuf {
        self.world.directory.clone()
    }
}
