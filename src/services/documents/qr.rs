//! The square code that leads to the page that says whether a document is authentic.

use qrcode::{Color, EcLevel, QrCode};

/// The dark squares of a text's code, row by row; nothing where a text is too long.
pub fn squares(text: &str) -> Option<Vec<Vec<bool>>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let colours = code.to_colors();
    let dark = colours.into_iter().map(|colour| colour == Color::Dark).collect::<Vec<_>>();
    Some(dark.chunks(code.width()).map(<[bool]>::to_vec).collect())
}
