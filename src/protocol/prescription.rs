//! Prescriptions, findings and the pharmacy.
