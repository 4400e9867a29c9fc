//! The packet path: one UDP port that many calls share, and the thread that drives it (a shard).
//!
//! - `wire`: the sockets; `tcp`: connections in place of them. - `routes`: whose datagram it is. - `link`: one call's keys, streams and
//!   counts; `pictures`: one line for pictures of it; `feedback`: what callers tell of our streams; `reports`: what is reported of a stream.
//! - `batch`: what is sent, many at a time. - `port`: the whole, as the thread sees it. - `handle`: how sessions reach it from other threads.
//!
//! Offers, answers, checks and handshakes never live here: what belongs to them is passed to the session.

mod arrival;
mod batch;
mod early;
mod feedback;
mod handle;
mod link;
mod pace;
mod pictures;
mod port;
mod reports;
mod routes;
mod tcp;
mod wire;

pub(crate) use handle::{
    AgreedPictures, Datagram, Inlet, Keys, LinkSetup, Order, PictureStream, ShardHandle, Stream,
};
pub use port::UdpPort;
pub(crate) use routes::TransactionId;
pub use wire::BindError;
pub(crate) use wire::Path;
