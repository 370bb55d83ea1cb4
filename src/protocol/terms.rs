//! Terms, codes and templates.
