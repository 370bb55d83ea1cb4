//! The pharmacist's queue and judgement.
