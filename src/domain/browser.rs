//! Which browser somebody signed in with, in one word of a closed list: enough to know one's own, too little to follow anybody.

/// The families that are told apart, by a part of what a browser says of itself. The first that fits: most of them also
/// claim to be those below.
const FAMILIES: [(&str, &str); 8] = [
    ("MicroMessenger/", "WeChat"),
    ("Edg", "Edge"),
    ("HuaweiBrowser/", "Huawei"),
    ("MiuiBrowser/", "Xiaomi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The family of a browser by its `User-Agent`; `None` where it is none of ours.
pub fn family(user_agent: &str) -> Option<&'static str> {
    FAMILIES.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, family)| *family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_its_own_name_and_not_by_those_that_it_borrows() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36";
        assert_eq!(family(chrome), Some("Chrome"));
        assert_eq!(family(&format!("{chrome} Edg/146.0.0.0")), Some("Edge"));
        assert_eq!(family(&format!("{chrome} MicroMessenger/8.0.50")), Some("WeChat"));
        assert_eq!(family("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), Some("Firefox"));
        let safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";
        assert_eq!(family(safari), Some("Safari"));
        assert_eq!((family("curl/8.5.0"), family("")), (None, None));
    }
}
