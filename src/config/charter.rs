//! The file in which a hospital writes itself down.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use jiff::civil::Date;

use super::ConfigError;
use crate::domain::charter::Charter;

/// Reads a charter in TOML, on this day.
///
/// # Errors
/// A file that is not there, that is no TOML, with a field too many or too few, or with a value that cannot be; all that is
/// wrong is named at once.
pub fn read_charter(file: &Path, today: Date) -> Result<Charter, ConfigError> {
    let read: Result<Charter, _> = Figment::from(Toml::file_exact(file)).extract();
    let charter = read.map_err(|error| ConfigError(error.to_string()))?;
    let faults: Vec<_> = charter.faults(today).iter().map(ToString::to_string).collect();
    if faults.is_empty() { Ok(charter) } else { Err(ConfigError(faults.join("\n"))) }
}
