//! The pharmacist's queue and judgement.

mod queue;
mod review;
mod warned;
