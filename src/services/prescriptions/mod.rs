//! Prescriptions from draft to expiry.
