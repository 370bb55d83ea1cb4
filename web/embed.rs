//! The browser client as bytes inside the binary: one sorted table, made by the build script.
//!
//! A crate of its own, so that an edit of the server never compiles the embedded files again.

/// One file of the built client.
#[derive(Debug)]
pub struct Asset {
    /// Path below the root of the site, without a leading slash: `index.html`, `assets/index-Bx1.js`.
    pub path: &'static str,
    /// Value for `Content-Type`.
    pub mime: &'static str,
    /// Strong validator, quotes included, ready for `ETag`. It changes exactly when `identity` does.
    pub etag: &'static str,
    /// The bytes as they are.
    pub identity: &'static [u8],
    /// The same bytes compressed for `Content-Encoding: br`, where that saves something.
    pub brotli: Option<&'static [u8]>,
    /// The same bytes compressed for `Content-Encoding: gzip`, where that saves something.
    pub gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Finds a file by its path below the root; a leading slash is forgiven.
pub fn find(path: &str) -> Option<&'static Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok().map(|index| &ASSETS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_page_is_found_with_and_without_a_slash() {
        let page = find("index.html").expect("a build without an entry page is refused by the build script");
        assert_eq!(page.mime, "text/html; charset=utf-8");
        assert!(page.etag.starts_with('"') && page.etag.ends_with('"'));
        assert!(find("/index.html").is_some());
        assert!(find("no/such/file").is_none());
    }

    #[test]
    fn the_table_is_sorted_and_hides_compressed_twins() {
        assert!(ASSETS.windows(2).all(|pair| pair[0].path < pair[1].path));
        assert!(ASSETS.iter().all(|asset| !asset.path.ends_with(".br") && !asset.path.ends_with(".gz")));
    }
}
