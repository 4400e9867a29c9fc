//! What is to be composed. Making it never lives here.

use std::sync::Arc;

use confocal_pictures::{Fit, Rect};
use confocal_video::{PictureCodec, SourceKey, Tier};

/// One picture that is made: how it is coded, and how large. All who are sent it share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Make {
    pub(crate) codec: PictureCodec,
    pub(crate) tier: Tier,
}

/// A conference's picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scene {
    /// Who is where, on a canvas of the largest size that is made.
    pub(crate) portraits: Vec<Portrait>,
    /// What is made of it, each once.
    pub(crate) makes: Vec<Make>,
    /// By whose sound the picture is timed.
    pub(crate) timed_by: Option<SourceKey>,
}

/// One tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Portrait {
    /// Whose it is; one and the same person has the same colour throughout.
    pub(crate) id: u64,
    pub(crate) rect: Rect,
    pub(crate) fit: Fit,
    /// Their pictures and how they are coded; `None`: an avatar.
    pub(crate) source: Option<(SourceKey, PictureCodec)>,
    pub(crate) name: Arc<str>,
    pub(crate) muted: bool,
    pub(crate) speaking: bool,
}

impl Scene {
    /// The size of the canvas.
    pub(crate) fn largest(&self) -> Option<Tier> {
        self.makes.iter().map(|make| make.tier).max()
    }

    /// How large the pictures of a source are shown, in pixels of the largest picture that is made; `None` where they are not.
    pub(crate) fn size_of(&self, source: SourceKey) -> Option<(u32, u32)> {
        let of_source = |portrait: &&Portrait| portrait.source.is_some_and(|(is, _)| is == source);
        self.portraits.iter().find(of_source).map(|portrait| (portrait.rect.width, portrait.rect.height))
    }
}
