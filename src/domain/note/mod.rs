//! The medical record of a visit: four examinations, diagnoses, and the words beside them.
