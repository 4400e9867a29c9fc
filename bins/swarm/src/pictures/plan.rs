//! The arguments about pictures.

use std::time::Duration;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use confocal_pictures::check_size;

use super::scene::{PLACES, Scene};

/// What is sent and received of pictures.
#[derive(Clone, Debug, Args)]
pub struct PicturesPlan {
    /// How many of each conference send pictures (VP8), the first of them. With 0 there is no line for pictures; else all receive them.
    #[arg(long = "pictures", default_value_t = 0)]
    pub senders: usize,
    /// Pixels of a picture, as 640x360.
    #[arg(long = "pictures-size", default_value = "640x360", value_parser = size)]
    pub size: (u32, u32),
    /// Pictures a second, 1 to 50.
    #[arg(long = "pictures-rate", default_value_t = 25)]
    pub rate: u32,
    /// What a sender keeps to, in kbit/s, as long as it may send as much; else a quarter of the pixels and a fifth of the bits.
    #[arg(long = "pictures-kbits", default_value_t = 500)]
    pub kbits: u32,
    /// What is seen.
    #[arg(long = "pictures-scene", value_enum, default_value_t = Scene::Numbered)]
    pub scene: Scene,
    /// After how many seconds the clip begins anew, with a key frame. It does so too whenever a key frame is asked for.
    #[arg(long = "pictures-loop", default_value_t = 10)]
    pub loop_seconds: u32,
    /// The share of packets of pictures lost on the way to the callers, 0 to 1, besides `--loss-down`.
    #[arg(long = "pictures-loss", default_value_t = 0.0)]
    pub loss: f64,
    /// What receivers say that they can take (REMB), in kbit/s.
    #[arg(long = "pictures-estimate", default_value_t = 2_000)]
    pub estimate: u32,
    /// What the target is to show.
    #[arg(long = "pictures-view", value_enum, default_value_t = ViewedAs::Speaker)]
    pub view: ViewedAs,
    /// Pictures a second that are due at each receiver; as many as are sent, if it is not told.
    #[arg(long = "pictures-due")]
    pub due: Option<u32>,
    /// Receivers whose pictures are decoded after the run, and compared with what was sent.
    #[arg(long = "pictures-decoded", default_value_t = 2)]
    pub decoded: usize,
    /// A receiver passes with this share of the pictures due to it, 0 to 1.
    #[arg(long = "pictures-least", default_value_t = 0.9)]
    pub least: f64,
    /// And with at most this share of them more than 100 ms late.
    #[arg(long = "pictures-late", default_value_t = 0.05)]
    pub late: f64,
}

/// What the target is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ViewedAs {
    /// One sender, whose packets are forwarded: they are known by their bytes.
    Speaker,
    /// All side by side, in one composed picture: whoever is in it is read from the decoded picture.
    Grid,
}

impl PicturesPlan {
    /// Whether the arguments make sense together.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.senders == 0 {
            return Ok(());
        }
        ensure!(self.senders <= PLACES, "--pictures: {PLACES} senders of a conference can be told apart");
        let (width, height) = self.size;
        let both = check_size(width, height).is_ok() && check_size(width / 2, height / 2).is_ok();
        ensure!(
            both && width >= 128 && height >= 72,
            "--pictures-size: multiples of 4, from 128x72 to 1920x1088"
        );
        ensure!((1..=50).contains(&self.rate), "--pictures-rate: from 1 to 50");
        ensure!((50..=10_000).contains(&self.kbits), "--pictures-kbits: from 50 to 10000");
        ensure!(
            self.loop_seconds > 0 && self.frames() <= 20_000,
            "--pictures-loop: from 1 s to 20000 pictures"
        );
        ensure!(self.due.is_none_or(|due| (1..=60).contains(&due)), "--pictures-due: from 1 to 60");
        ensure!(self.estimate > 0, "--pictures-estimate: must be above 0");
        for (name, part) in
            [("--pictures-loss", self.loss), ("--pictures-least", self.least), ("--pictures-late", self.late)]
        {
            ensure!((0.0..=1.0).contains(&part), "{name}: from 0 to 1, not {part}");
        }
        ensure!(
            self.view == ViewedAs::Speaker || self.scene == Scene::Numbered,
            "--pictures-scene: only numbered pictures can be read from a grid"
        );
        Ok(())
    }

    /// Pictures of a clip.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.rate * self.loop_seconds
    }

    /// From one picture that is due at a receiver to the next.
    #[must_use]
    pub fn due_every(&self) -> Duration {
        Duration::from_secs(1) / self.due.unwrap_or(self.rate).max(1)
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides.ok_or_else(|| format!("{text} is no size such as 640x360"))
}
