//! What the machine is told of an offer that was not answered. The log gets the details where this is called.

use confocal::conference::OfferRefusal;
use confocal_transport::{OfferError, OpenError, RenegotiateError};

/// The reason for a first offer.
pub(crate) const fn of_open(error: &OpenError) -> OfferRefusal {
    match error {
        OpenError::Offer(error) => of_offer(*error),
        OpenError::NoShard
        | OpenError::Connection(_)
        | OpenError::Random(_)
        | OpenError::Memo(_)
        | OpenError::Answer(_) => OfferRefusal::Internal,
    }
}

/// The reason for a further offer.
pub(crate) const fn of_renegotiation(error: &RenegotiateError) -> OfferRefusal {
    match error {
        RenegotiateError::Offer(error) => of_offer(*error),
        RenegotiateError::Offering | RenegotiateError::Answer(_) => OfferRefusal::Internal,
    }
}

const fn of_offer(error: OfferError) -> OfferRefusal {
    match error {
        OfferError::TooLarge => OfferRefusal::TooLarge,
        OfferError::Malformed(_) => OfferRefusal::Malformed,
        OfferError::NoAudio => OfferRefusal::NoAudio,
        OfferError::NoCodec | OfferError::CodecChanged => OfferRefusal::NoCommonCodec,
        // A connection that runs can take no other certificate.
        OfferError::NoFingerprint | OfferError::FingerprintChanged => OfferRefusal::NoFingerprint,
        OfferError::NoBundle => OfferRefusal::NoBundle,
    }
}
