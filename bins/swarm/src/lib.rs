//! Load generator and measuring client: hundreds of WebRTC callers in one process, and what they hear.
//!
//! [`Caller`](caller::Caller) is one caller without a socket, [`pump`] the thread that runs all of them, [`measure`] what their figures
//! mean, [`pictures`] the same of what they see, [`target`] how calls are placed. It knows nothing of what it calls but HTTP, WebRTC, Opus
//! and VP8, so that different conference servers can be put under the same load.

pub mod caller;
mod garbage;
pub mod line;
pub mod listen;
pub mod measure;
pub mod pictures;
pub mod plan;
pub mod pump;
mod record;
pub mod report;
pub mod reports;
pub mod run;
pub mod sdp;
pub mod target;
pub mod turn;
pub mod usage;
pub mod voice;
