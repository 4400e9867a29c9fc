//! Nothing lives here: a package needs a target beside its benches.
