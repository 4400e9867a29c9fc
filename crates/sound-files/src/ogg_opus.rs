//! Ogg Opus (RFC 7845): one stream of Opus packets in the pages of an Ogg file. What the packets hold never lives here.

mod head;
mod reader;
mod writer;

pub use reader::{ReadOggError, read_ogg_opus};
pub use writer::OggOpusWriter;
