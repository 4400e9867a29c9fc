//! Picture arithmetic for conferences: pictures as planes, scaling, labels, layouts, composition, and how alike two pictures are.
//!
//! - [`I420`] is a picture; [`Rect`] and [`Fit`] say where one goes in another.
//! - [`Scaler`] scales a part of one into a part of another.
//! - [`arrange`] says where whom is seen, by a [`Layout`]; a [`Canvas`] is composed of [`Tile`]s.
//! - [`TestPicture`] says which it is, also after scaling and coding. [`quality`] compares pictures.
//!
//! Codecs, packets, sockets, clocks, threads and files never live here.

mod canvas;
mod colour;
mod frame;
mod layout;
mod mask;
pub mod quality;
mod rect;
mod scale;
pub mod test_picture;

pub use canvas::{Canvas, Tile};
pub use colour::Colour;
pub use frame::{BadSize, I420, MAX_PIXELS, MAX_SIDE, check_size};
pub use layout::{Layout, MAX_TILES, Place, Shown, arrange};
pub use rect::{Fit, Rect};
pub use scale::{BadRect, Scaler};
pub use test_picture::TestPicture;
